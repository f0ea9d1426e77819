package org.retention4j.internal.float32;

import java.util.function.Supplier;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.HeadState;
import org.retention4j.engine.ops.KvHead;
import org.retention4j.internal.kv.KvBlocks;

/** How the kernels of an fp32 engine want states and caches to lie; makes them so. */
public final class Fp32Layout {
  private final Supplier<? extends Kernels> kernels;
  private final boolean flat;
  private final String name;

  /** Asks kernels once; more are made where states are folded outside a lane. */
  public Fp32Layout(Supplier<? extends Kernels> kernels) {
    this.kernels = kernels;
    Kernels first = kernels.get();
    flat = first.flatRows();
    name = first.name();
  }

  /** Returns the name of the kernels. */
  public String kernelsName() {
    return name;
  }

  boolean flat() {
    return flat;
  }

  /** Returns kernels of its own for one caller. */
  Kernels kernels() {
    return kernels.get();
  }

  /** Returns a zero state. */
  public HeadState newState(int keyWidth, int valueWidth) {
    return new Fp32HeadState(keyWidth, valueWidth, this);
  }

  /** Returns the bytes of a state, pending tokens included. */
  public static long stateBytes(int keyWidth, int valueWidth) {
    return Fp32HeadState.bytes(keyWidth, valueWidth);
  }

  /** Returns whether a state lies as this says. */
  public boolean suits(HeadState state) {
    return state instanceof Fp32HeadState s && s.rows().flat() == flat;
  }

  /** Returns an empty cache in fp32 or bf16. */
  public KvHead newCache(CacheType type, int keyWidth, int valueWidth) {
    return type == CacheType.BFLOAT16
        ? new KvBlocks(Bf16Matrix::new, keyWidth, valueWidth)
        : new KvBlocks((rows, width) -> new Fp32Matrix(rows, width, flat), keyWidth, valueWidth);
  }
}
