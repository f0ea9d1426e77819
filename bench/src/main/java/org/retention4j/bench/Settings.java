package org.retention4j.bench;

import java.nio.file.Path;

/**
 * What the command line asks for.
 *
 * @param text file whose bytes are the tokens, or null for the text that ships with the project
 * @param quick whether to measure less
 * @param out folder of the report
 * @param threads of every engine
 * @param seed of every random number
 */
record Settings(Path text, boolean quick, Path out, int threads, long seed) {
  /**
   * Checks what can be checked without looking at files.
   *
   * @throws IllegalArgumentException if threads &lt; 1
   */
  Settings {
    if (threads < 1) {
      throw new IllegalArgumentException("expected --threads >= 1, got " + threads);
    }
  }
}
