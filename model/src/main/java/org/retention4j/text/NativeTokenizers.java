package org.retention4j.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.bytedeco.javacpp.Loader;
import org.retention4j.engine.natives.NativeLibrary;

/**
 * Loads the native library of DJL's tokenizers.
 *
 * <p>DJL's own loader is left aside on purpose: it asks the network where it runs, fetches another
 * build of the library where it finds a GPU, and needs a newer JNA than ND4J brings. The library
 * lies in the same jar; JavaCPP puts it into its cache, where this project's other natives are.
 */
final class NativeTokenizers {
  private static final String RESOURCES = "/native/lib/";

  private static final NativeLibrary<TokenizersLibrary> LIBRARY =
      new NativeLibrary<>("the tokenizers' library", NativeTokenizers::load);

  private NativeTokenizers() {}

  /**
   * Returns DJL's entry points, with the library loaded.
   *
   * @throws UnsupportedOperationException where the jar holds no library for this platform
   * @throws org.retention4j.engine.natives.NativeLibraryException if the library cannot be put into
   *     the cache or loaded
   */
  static TokenizersLibrary library() {
    resource(Loader.getPlatform());
    return LIBRARY.get();
  }

  private static TokenizersLibrary load() throws IOException {
    String resource = RESOURCES + resource(Loader.getPlatform());
    if (TokenizersLibrary.class.getResource(resource) == null) {
      throw new IOException("the tokenizers' jar does not hold " + resource);
    }
    File file = Loader.cacheResource(TokenizersLibrary.class, resource);
    try {
      System.load(file.getAbsolutePath());
    } catch (UnsatisfiedLinkError e) {
      loadCopy(file.toPath(), e);
    }
    return TokenizersLibrary.LIB;
  }

  /** A file can be loaded by one class loader only: another needs one of its own. */
  private static void loadCopy(Path file, UnsatisfiedLinkError refused) throws IOException {
    Path copy = null;
    try {
      copy = Files.createTempFile(file.getParent(), "copy", file.getFileName().toString());
      Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
      System.load(copy.toAbsolutePath().toString());
    } catch (IOException | UnsatisfiedLinkError e) {
      refused.addSuppressed(e);
      throw refused;
    } finally {
      if (copy != null) {
        Files.deleteIfExists(copy); // what is loaded stays
      }
    }
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
