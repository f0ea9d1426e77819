package org.retention4j.checkpoint.format;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What goes when the virtual machine ends before it is finished, by Ctrl-C for instance: temporary
 * files, and folders that were made for them if they are empty then.
 */
final class Unfinished {
  /** In the order in which they were made: a folder comes before what is in it. */
  private static final Set<Path> PATHS = new LinkedHashSet<>();

  private static boolean ending;

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(Unfinished::removeAll));
  }

  private Unfinished() {}

  static synchronized void add(Path path) {
    if (ending) {
      throw new IllegalStateException("the virtual machine ends");
    }
    PATHS.add(path);
  }

  static synchronized void remove(Path path) {
    PATHS.remove(path);
  }

  /** Steps of which the end of the virtual machine sees all or none: it waits for them. */
  interface Steps {
    /** Takes the steps, or takes them back. */
    void run() throws IOException;
  }

  static synchronized void undisturbed(Steps steps) throws IOException {
    if (ending) {
      throw new IllegalStateException("the virtual machine ends");
    }
    steps.run();
  }

  private static synchronized void removeAll() {
    ending = true;
    List<Path> inner = new ArrayList<>(PATHS);
    Collections.reverse(inner);
    for (Path path : inner) {
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        // Nobody is left to be told; or a folder that something else was put into.
      }
    }
  }
}
