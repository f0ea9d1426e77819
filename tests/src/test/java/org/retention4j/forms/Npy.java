package org.retention4j.forms;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.testkit.Tensors;

/**
 * Reads C-order float64 .npy files from the class path. ND4J's own reader takes files in Fortran
 * order for C order; this one refuses them.
 */
final class Npy {
  private static final Pattern HEADER =
      Pattern.compile(
          "\\{'descr': '<f8', 'fortran_order': False, 'shape': \\(([0-9, ]*)\\), *\\}\\s*");

  private Npy() {}

  static boolean exists(String path) {
    return Npy.class.getResource(path) != null;
  }

  static INDArray read(String path) {
    try (InputStream in = Npy.class.getResourceAsStream(path)) {
      if (in == null) {
        throw new IllegalArgumentException("no such resource: " + path);
      }
      ByteBuffer bytes = ByteBuffer.wrap(in.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
      // Magic (6), version (2), then the header's length: two bytes in version 1.
      int length = bytes.getShort(8);
      String header = new String(bytes.array(), 10, length, StandardCharsets.US_ASCII);
      Matcher matcher = HEADER.matcher(header);
      if (bytes.get(6) != 1 || !matcher.matches()) {
        throw new IllegalArgumentException(path + ": expected C-order <f8, got " + header);
      }
      long[] shape =
          Pattern.compile(",")
              .splitAsStream(matcher.group(1))
              .map(String::strip)
              .filter(s -> !s.isEmpty())
              .mapToLong(Long::parseLong)
              .toArray();
      double[] values = new double[(bytes.limit() - 10 - length) / Double.BYTES];
      bytes
          .position(10 + length)
          .slice()
          .order(ByteOrder.LITTLE_ENDIAN)
          .asDoubleBuffer()
          .get(values);
      return Tensors.of(values, DataType.DOUBLE, shape);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
