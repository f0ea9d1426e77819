package org.retention4j.forms;

import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.checkpoint.format.NpyFile;
import org.retention4j.testkit.Tensors;

/** Golden cases on the class path. */
public final class Npy {
  private Npy() {}

  /** Returns whether there is such a resource. */
  public static boolean exists(String path) {
    return Npy.class.getResource(path) != null;
  }

  /** Returns the path of a resource. */
  public static Path path(String path) {
    URL url = Npy.class.getResource(path);
    if (url == null) {
      throw new IllegalArgumentException("no such resource: " + path);
    }
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(e);
    }
  }

  /** Reads floats. */
  public static INDArray read(String path) {
    NpyFile file = NpyFile.read(path(path));
    return Tensors.of(file.floats(), DataType.DOUBLE, file.shape());
  }

  /** Reads token ids (B,T). */
  public static int[][] readIds(String path) {
    NpyFile file = NpyFile.read(path(path));
    int tokens = (int) file.shape()[1];
    int[][] ids = new int[(int) file.shape()[0]][tokens];
    for (int i = 0; i < file.integers().length; i++) {
      ids[i / tokens][i % tokens] = Math.toIntExact(file.integers()[i]);
    }
    return ids;
  }
}
