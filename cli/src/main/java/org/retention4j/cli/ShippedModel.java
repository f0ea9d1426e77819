package org.retention4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.retention4j.austen.Austen;

/** The model that comes with this command, which has a name where others have a folder. */
final class ShippedModel {
  private ShippedModel() {}

  /**
   * Returns a folder as it was given, or for the name of the model that comes with this command,
   * where that is no folder of a model, one that holds it until the command ends.
   */
  static Path folder(Path given) {
    if (!given.toString().equals(Austen.NAME)
        || Files.isRegularFile(given.resolve("config.json"))) {
      return given;
    }
    try {
      Path folder = Files.createTempDirectory("retention-" + Austen.NAME);
      folder.toFile().deleteOnExit();
      Austen.FILES.forEach(file -> folder.resolve(file).toFile().deleteOnExit());
      return Austen.copyTo(folder);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "expected room for the model that comes with this command in "
              + System.getProperty("java.io.tmpdir")
              + ", got "
              + e,
          e);
    }
  }
}
