// A filter of eight coefficients and a clamp over samples: f32, minimum and maximum.
static float in[4096], out[4096];
__attribute__((export_name("run"))) int run(int turns) {
  static const float c[8] = {0.1f, 0.2f, 0.3f, 0.4f, -0.4f, -0.3f, -0.2f, 0.9f};
  for (int i = 0; i < 4096; i++) in[i] = (float)(i % 97) * 0.01f;
  for (int turn = 0; turn < turns; turn++) {
    for (int i = 0; i < 4088; i++) {
      float sum = 0;
      for (int k = 0; k < 8; k++) sum += in[i + k] * c[k];
      out[i] = sum > 1.0f ? 1.0f : sum < -1.0f ? -1.0f : sum;
    }
    for (int i = 0; i < 4088; i++) in[i] = out[i];
  }
  return (int)(1e6f * out[17]);
}
