// Products with the matrix 1 / ((i + j)(i + j + 1) / 2 + i + 1): f64 divisions and conversions.
static double u[256], v[256];
static void times(int n, const double *in, double *out) {
  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (int j = 0; j < n; j++) sum += in[j] / (double)((i + j) * (i + j + 1) / 2 + i + 1);
    out[i] = sum;
  }
}
__attribute__((export_name("run"))) int run(int n) {
  for (int i = 0; i < n; i++) u[i] = 1;
  for (int turn = 0; turn < 10; turn++) { times(n, u, v); times(n, v, u); }
  return (int)(1e6 * u[0] / v[0]);
}
