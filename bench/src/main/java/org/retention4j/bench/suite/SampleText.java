package org.retention4j.bench.suite;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The text that runs through the layers: its bytes are the tokens, repeated when it is short. */
public final class SampleText {
  private static final String SHIPPED = "/org/retention4j/bench/retention.txt";

  private final String name;
  private final byte[] bytes;

  private SampleText(String name, byte[] bytes) {
    this.name = name;
    this.bytes = bytes;
  }

  /**
   * Reads a text.
   *
   * @param file null for the text that ships with the project
   * @throws IllegalArgumentException if the file is missing, unreadable or empty
   */
  public static SampleText read(Path file) {
    if (file == null) {
      return shipped();
    }
    if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
      throw new IllegalArgumentException(
          "expected a readable text file, got " + file + ", which is not one");
    }
    try {
      byte[] bytes = Files.readAllBytes(file);
      if (bytes.length == 0) {
        throw new IllegalArgumentException(
            "expected a text of at least 1 byte, got " + file + ", which is empty");
      }
      return new SampleText(file.getFileName().toString(), bytes);
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  private static SampleText shipped() {
    try (InputStream in = SampleText.class.getResourceAsStream(SHIPPED)) {
      return new SampleText("the text that ships with the project", in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns where the text comes from. */
  public String name() {
    return name;
  }

  /** Returns the number of bytes. */
  public int length() {
    return bytes.length;
  }

  /** Returns the token at a position of the endlessly repeated text, 0…255. */
  public int token(long position) {
    return bytes[(int) (position % bytes.length)] & 0xff;
  }

  /** Says how often the text is repeated to fill so many tokens. */
  public String coverage(int tokens) {
    if (tokens <= bytes.length) {
      return "text: the first " + tokens + " bytes of " + name;
    }
    return String.format(
        Locale.ROOT,
        "text: %s (%d bytes) repeated %.1f times",
        name,
        bytes.length,
        tokens / (double) length());
  }

  /** Returns a seeded table (256, D) of normal numbers: one row per byte. */
  public static float[][] embedding(int width, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[][] table = new float[256][width];
    for (float[] row : table) {
      for (int i = 0; i < width; i++) {
        row[i] = (float) random.nextGaussian();
      }
    }
    return table;
  }

  /** Returns the embedded text (1,T,D). */
  public INDArray embed(float[][] table, int tokens) {
    int width = table[0].length;
    float[] data = new float[Math.multiplyExact(tokens, width)];
    for (int t = 0; t < tokens; t++) {
      System.arraycopy(table[token(t)], 0, data, t * width, width);
    }
    return Nd4j.createFromArray(data).reshape(1, tokens, width);
  }
}
