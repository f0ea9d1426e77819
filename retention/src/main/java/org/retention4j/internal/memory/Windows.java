package org.retention4j.internal.memory;

import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import org.bytedeco.javacpp.Pointer;
import org.retention4j.engine.ops.RowView;

/** Native memory in windows that a {@link RowView} reads through; one buffer holds 2 GiB only. */
public final class Windows {
  private Windows() {}

  /** Returns windows over fp32 elements. */
  public static FloatBuffer[] floats(Pointer base, long extent) {
    FloatBuffer[] windows = new FloatBuffer[RowView.windowCount(extent)];
    for (int i = 0; i < windows.length; i++) {
      windows[i] = window(base, i, extent, Float.BYTES).asFloatBuffer();
    }
    return windows;
  }

  /** Returns windows over float64 elements. */
  public static DoubleBuffer[] doubles(Pointer base, long extent) {
    DoubleBuffer[] windows = new DoubleBuffer[RowView.windowCount(extent)];
    for (int i = 0; i < windows.length; i++) {
      windows[i] = window(base, i, extent, Double.BYTES).asDoubleBuffer();
    }
    return windows;
  }

  /** Returns windows over bf16 elements. */
  public static ShortBuffer[] halves(Pointer base, long extent) {
    ShortBuffer[] windows = new ShortBuffer[RowView.windowCount(extent)];
    for (int i = 0; i < windows.length; i++) {
      windows[i] = window(base, i, extent, Short.BYTES).asShortBuffer();
    }
    return windows;
  }

  private static ByteBuffer window(Pointer base, int index, long extent, int bytes) {
    long from = (long) index << RowView.WINDOW_SHIFT;
    long count = Math.min(extent - from, RowView.WINDOW_LENGTH);
    return Arena.window(base, from * bytes, count * bytes).asByteBuffer();
  }
}
