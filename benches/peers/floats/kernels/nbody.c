// Five bodies under gravity: f64 with square roots and divisions, structures in memory.
static double x[5], y[5], z[5], u[5], v[5], w[5], mass[5];
__attribute__((export_name("run"))) int run(int steps) {
  for (int i = 0; i < 5; i++) {
    x[i] = 1.5 * i; y[i] = 0.25 * i * i; z[i] = 0.125 * i; u[i] = 0.01 * i; v[i] = 0.02; w[i] = -0.01 * i; mass[i] = 1.0 + i;
  }
  for (int step = 0; step < steps; step++) {
    for (int i = 0; i < 5; i++)
      for (int j = i + 1; j < 5; j++) {
        double a = x[i] - x[j], b = y[i] - y[j], c = z[i] - z[j];
        double square = a * a + b * b + c * c;
        double scale = 0.001 / (square * __builtin_sqrt(square));
        u[i] -= a * mass[j] * scale; v[i] -= b * mass[j] * scale; w[i] -= c * mass[j] * scale;
        u[j] += a * mass[i] * scale; v[j] += b * mass[i] * scale; w[j] += c * mass[i] * scale;
      }
    for (int i = 0; i < 5; i++) { x[i] += 0.001 * u[i]; y[i] += 0.001 * v[i]; z[i] += 0.001 * w[i]; }
  }
  return (int)(1e6 * (x[0] + y[1] + z[2]));
}
