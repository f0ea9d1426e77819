package org.retention4j.austen;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.retention4j.args.Args;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.engine.Engine;
import org.retention4j.model.LanguageModel;
import org.retention4j.text.ByteTokenizer;
import org.retention4j.text.Tokenizer;

/**
 * A RetNet of 3.7 million parameters over bytes, trained by this project on novels of Jane Austen:
 * D 256, 4 layers, 8 heads, in bf16. It is there to try things out with; it knows words and
 * sentences, and nothing of the world. Data, licences and measured figures stand in its card, the
 * {@code README.md} that {@link #copyTo} writes too.
 *
 * @since 0.1
 */
public final class Austen {
  /** What {@code --model} calls it on the command line. */
  public static final String NAME = "austen";

  /** The names of its files. */
  public static final List<String> FILES = List.of("config.json", "model.safetensors", "README.md");

  private Austen() {}

  /**
   * Loads the model from the class path.
   *
   * @param engine computes; the caller closes the model before it
   */
  public static LanguageModel load(Engine engine) {
    return load(engine, LoadOptions.DEFAULT);
  }

  /**
   * Loads the model from the class path.
   *
   * @param engine computes; the caller closes the model before it
   * @param options types of weights, progress
   */
  public static LanguageModel load(Engine engine, LoadOptions options) {
    Args.present("engine", engine);
    Args.present("options", options);
    try {
      Path folder = Files.createTempDirectory("retention-" + NAME);
      try {
        return Checkpoint.open(copyTo(folder)).load(engine, options);
      } finally {
        for (String name : FILES) {
          Files.deleteIfExists(folder.resolve(name));
        }
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the model could not be unpacked", e);
    }
  }

  /** Returns its tokens: the 256 bytes of UTF-8. */
  public static Tokenizer tokenizer() {
    return new ByteTokenizer(256);
  }

  /**
   * Writes the model as a folder in fla's format, for whatever reads such folders.
   *
   * @param folder is made if there is none; files of the model in it are not replaced
   * @return the folder
   * @throws FileAlreadyExistsException if it holds one of the files; nothing is written then
   */
  public static Path copyTo(Path folder) throws IOException {
    Args.present("a folder", folder);
    Files.createDirectories(folder);
    for (String name : FILES) {
      if (Files.exists(folder.resolve(name))) {
        throw new FileAlreadyExistsException(folder.resolve(name).toString());
      }
    }
    for (String name : FILES) {
      try (InputStream file = Austen.class.getResourceAsStream(name)) {
        if (file == null) {
          throw new IOException("the artifact retention-model-austen lacks its file " + name);
        }
        Files.copy(file, folder.resolve(name));
      }
    }
    return folder;
  }
}
