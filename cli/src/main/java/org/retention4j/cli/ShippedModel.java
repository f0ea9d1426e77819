package org.retention4j.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.retention4j.austen.Austen;

/** The model that comes with this command, which has a name where others have a folder. */
final class ShippedModel {
  private ShippedModel() {}

  /**
   * Returns a folder as it was given, or for the name of the model that comes with this command,
   * where there is no such folder, one that holds it until the command ends.
   */
  static Path folder(Path given) {
    if (!given.toString().equals(Austen.NAME) || Files.exists(given)) {
      return given;
    }
    try {
      Path folder = Files.createTempDirectory("retention-" + Austen.NAME);
      folder.toFile().deleteOnExit();
      Austen.copyTo(folder);
      files(folder).forEach(file -> file.toFile().deleteOnExit());
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException("the model that comes with this command", e);
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.toList();
    }
  }
}
