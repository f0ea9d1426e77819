package org.retention4j.engine.natives;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.bytedeco.javacpp.Loader;

/** The folder into which JavaCPP unpacks native libraries. */
final class LibraryFolder {
  static final String PROPERTY = "org.bytedeco.javacpp.cachedir";

  private LibraryFolder() {}

  /**
   * Leaves the choice to JavaCPP, which takes the first folder that it can write to, unless no code
   * may run from that one while it may from the next.
   */
  static void choose() {
    if (System.getProperty(PROPERTY) == null
        && System.getProperty("org.bytedeco.javacpp.cacheDir") == null
        && problem(inHome()) != null
        && problem(inTemporary()) == null) {
      System.setProperty(PROPERTY, inTemporary().toString());
    }
  }

  private static Path inHome() {
    return Path.of(System.getProperty("user.home", ""), ".javacpp", "cache");
  }

  private static Path inTemporary() {
    String user = System.getProperty("user.name", "");
    return Path.of(System.getProperty("java.io.tmpdir", ""), ".javacpp-" + user, "cache");
  }

  /** Returns in words why libraries cannot be unpacked into a folder and run, or null. */
  static String problem(Path folder) {
    Path probe = null;
    try {
      Files.createDirectories(folder);
      probe = Files.createTempFile(folder, "probe", null);
      boolean runs = probe.toFile().setExecutable(true) && Files.isExecutable(probe);
      return runs ? null : "lets no code run (mounted noexec?)";
    } catch (IOException | SecurityException e) {
      return "cannot be written to";
    } finally {
      delete(probe);
    }
  }

  private static void delete(Path probe) {
    try {
      if (probe != null) {
        Files.deleteIfExists(probe);
      }
    } catch (IOException e) {
      probe.toFile().deleteOnExit();
    }
  }

  /** Returns on one line why nothing could be loaded and what to do about it. */
  static String explain(Throwable cause) {
    String other = "; name a folder with -D" + PROPERTY + "=DIR";
    Path folder;
    try {
      folder = Loader.getCacheDir().toPath();
    } catch (IOException | LinkageError e) {
      return String.format(
          Locale.ROOT,
          "native libraries can be unpacked neither into %s nor into %s, which cannot be written"
              + " to%s",
          inHome(),
          inTemporary(),
          other);
    }
    String problem = problem(folder);
    if (problem != null) {
      return folder + ", into which native libraries are unpacked, " + problem + other;
    }
    Throwable first = cause;
    while (first.getCause() != null) {
      first = first.getCause();
    }
    String reason = first.toString().replaceAll("\\s*\\R\\s*", " ");
    return reason + " (native libraries are unpacked into " + folder + other + ")";
  }
}
