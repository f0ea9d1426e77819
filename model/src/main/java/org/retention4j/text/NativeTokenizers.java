package org.retention4j.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.File;
import java.io.IOException;
import org.bytedeco.javacpp.Loader;

/**
 * Loads the native library of DJL's tokenizers.
 *
 * <p>DJL's own loader is left aside on purpose: it asks the network where it runs, fetches another
 * build of the library where it finds a GPU, and needs a newer JNA than ND4J brings. The library
 * lies in the same jar; JavaCPP puts it into its cache, where this project's other natives are.
 */
final class NativeTokenizers {
  private static final String RESOURCES = "/native/lib/";

  private NativeTokenizers() {}

  /**
   * Returns DJL's entry points, with the library loaded.
   *
   * @throws UnsupportedOperationException where the jar holds no library for this platform
   * @throws IllegalStateException if the library cannot be put into the cache or loaded
   */
  static TokenizersLibrary library() {
    return Loaded.LIBRARY;
  }

  private static final class Loaded {
    static final TokenizersLibrary LIBRARY = load();
  }

  private static TokenizersLibrary load() {
    String resource = RESOURCES + resource(Loader.getPlatform());
    try {
      File file = Loader.cacheResource(TokenizersLibrary.class, resource);
      if (file == null) {
        throw new IllegalStateException("the tokenizers' jar does not hold " + resource);
      }
      System.load(file.getAbsolutePath());
    } catch (IOException | UnsatisfiedLinkError e) {
      throw new IllegalStateException("cannot load the tokenizers' library " + resource, e);
    }
    return TokenizersLibrary.LIB;
  }

  static String resource(String platform) {
    return switch (platform) {
      case "linux-x86_64" -> "linux-x86_64/cpu/libtokenizers.so";
      case "linux-arm64" -> "linux-aarch64/cpu/libtokenizers.so";
      case "macosx-arm64" -> "osx-aarch64/cpu/libtokenizers.dylib";
      default ->
          throw new UnsupportedOperationException(
              "tokenizer.json is supported on Linux (x86_64, arm64) and macOS (arm64), not on "
                  + platform);
    };
  }
}
