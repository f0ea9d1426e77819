package org.retention4j.bench.ceiling;

/** The types of a product's operands: activations and weights. */
public enum Operands {
  /** Both fp32. */
  F32_F32,
  /** fp32 activations, bf16 weights. */
  F32_BF16,
  /** Both bf16. */
  BF16_BF16;

  /** Returns the pair as rows name it. */
  public String label() {
    return name().toLowerCase(java.util.Locale.ROOT).replace("_", " x ");
  }
}
