package org.retention4j.internal.linear.onednn;

import java.util.Arrays;
import java.util.regex.Pattern;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.retention4j.internal.lanes.OpenMp;
import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.Fp32Tile;

/** What oneDNN makes of products of narrow types on this processor; asked once. */
public final class OneDnnCapabilities {
  private static final int SIZE = 64;

  /** Rows for which the layout of weights is asked; one row streams it as fast. */
  private static final int LAYOUT_ROWS = 512;

  private OneDnnCapabilities() {}

  /** Returns whether this processor multiplies bf16 with bf16 by instructions of its own. */
  public static boolean bfloat16() {
    return Bfloat16Products.NATIVE;
  }

  /**
   * Returns whether oneDNN's sums of products of 8-bit integers are right here. Without
   * instructions made for them, as before AVX-512 VNNI and AVX-VNNI, it adds pairs of them up to 16
   * bits, which large ones exceed; and it is slower than fp32 then.
   */
  public static boolean int8() {
    return Int8Products.EXACT;
  }

  /**
   * Returns how oneDNN lays weights out such that it multiplies them with any number of rows.
   *
   * <p>On AMX that for many rows of 8-bit integers has nothing but reference code, hundreds of
   * times slower, for few. The layout for one row has none; as elsewhere it fills up to 64 outputs,
   * so that both narrow types take what is said of them. 16 to 64 rows read it faster, 512 up to 15
   * % slower.
   *
   * @param srcType of the rows
   */
  public static memory.desc layout(
      memory.data_type srcType, memory.data_type type, long inputs, long outputs) {
    boolean narrow = srcType == OneDnn.S8 || srcType == OneDnn.BF16;
    int rows = narrow && Bfloat16Products.AMX ? 1 : LAYOUT_ROWS;
    return OneDnn.packedLayout(srcType, type, rows, inputs, outputs);
  }

  private static final class Bfloat16Products {
    private static final Pattern NAMES = Pattern.compile("avx512_core_(bf16|fp16)|avx10|amx");
    private static final String IMPLEMENTATION = ask();
    static final boolean NATIVE = NAMES.matcher(IMPLEMENTATION).find();
    static final boolean AMX = IMPLEMENTATION.contains("amx");

    private static String ask() {
      long[] size = {SIZE, SIZE};
      try (memory.desc narrow = new memory.desc(size, OneDnn.BF16, memory.format_tag.ab);
          memory.desc any = new memory.desc(size, OneDnn.BF16, memory.format_tag.any);
          memory.desc wide = new memory.desc(size, OneDnn.F32, memory.format_tag.ab);
          matmul.primitive_desc desc = new matmul.primitive_desc(OneDnn.cpu(), narrow, any, wide)) {
        return desc.impl_info_str().getString();
      } catch (RuntimeException e) {
        return ""; // without AVX-512 or AVX2-VNNI-2 there is no such product at all
      }
    }
  }

  private static final class Int8Products {
    static final boolean EXACT = ask();

    /** With one thread, as lanes have it. */
    private static boolean ask() {
      return OpenMp.withOneThread(() -> multiplies(1) && multiplies(SIZE));
    }

    /** Multiplies the largest integers, whose sums are known. */
    private static boolean multiplies(int rows) {
      try (Arena arena = new Arena();
          memory.desc plain =
              new memory.desc(new long[] {SIZE, SIZE}, OneDnn.S8, memory.format_tag.ab);
          memory.desc layout = layout(OneDnn.S8, OneDnn.S8, SIZE, SIZE)) {
        memory packed =
            arena.own(new memory(layout, OneDnn.cpu(), arena.allocate(layout.get_size())));
        OneDnn.reorder(arena.own(new memory(plain, OneDnn.cpu(), largest(arena, SIZE))), packed);
        float[] factors = new float[SIZE];
        Arrays.fill(factors, 1f);
        memory scales = OneDnn.scales(arena, factors, 0, SIZE);
        Fp32Tile sums = Fp32Tile.allocate(arena, rows, SIZE);
        OneDnn.product(
                arena,
                arena::allocate,
                new OneDnn.Matrix(largest(arena, rows), rows, SIZE, SIZE, 1),
                OneDnn.S8,
                new OneDnn.Weights(packed, SIZE, SIZE, scales),
                OneDnn.Matrix.of(sums, false),
                false,
                OneDnn.PostOp.NONE)
            .run();
        return areAll(sums, (float) Byte.MAX_VALUE * Byte.MAX_VALUE * SIZE);
      } catch (RuntimeException e) {
        return false; // there is no such product at all
      }
    }

    private static BytePointer largest(Arena arena, int rows) {
      byte[] values = new byte[rows * SIZE];
      Arrays.fill(values, Byte.MAX_VALUE);
      BytePointer block = arena.allocate(values.length);
      block.asByteBuffer().put(values);
      return block;
    }

    private static boolean areAll(Fp32Tile tile, float value) {
      float[] row = new float[tile.columns()];
      for (int i = 0; i < tile.rows(); i++) {
        tile.read(i, row, row.length);
        for (float each : row) {
          if (each != value) {
            return false;
          }
        }
      }
      return true;
    }
  }
}
