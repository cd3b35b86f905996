// Iterations of points until they escape: f64 in locals, a comparison each turn.
__attribute__((export_name("run"))) int run(int size) {
  int sum = 0;
  for (int row = 0; row < size; row++)
    for (int column = 0; column < size; column++) {
      double a = 3.0 * column / size - 2.0, b = 2.0 * row / size - 1.0, x = 0, y = 0;
      for (int turn = 0; turn < 50; turn++) {
        double next = x * x - y * y + a;
        y = 2.0 * x * y + b;
        x = next;
        if (x * x + y * y > 4.0) break;
        sum++;
      }
    }
  return sum;
}
