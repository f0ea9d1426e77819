package org.retention4j.internal.linear.onednn;

import org.bytedeco.dnnl.engine;
import org.retention4j.engine.natives.NativeLibrary;
import org.retention4j.internal.nd4j.Nd4jLibrary;

/** oneDNN's native code, loaded before the class that calls it is touched. */
public final class OneDnnLibrary {
  private static final NativeLibrary<engine> ONE_DNN =
      new NativeLibrary<>("oneDNN", () -> new engine(engine.kind.cpu, 0));

  private OneDnnLibrary() {}

  /**
   * Returns the processor as oneDNN sees it; loads oneDNN at first use.
   *
   * @throws org.retention4j.engine.natives.NativeLibraryException if it cannot be loaded
   */
  public static engine get() {
    Nd4jLibrary.prepare(); // JavaCPP is begun with there.
    return ONE_DNN.get();
  }
}
