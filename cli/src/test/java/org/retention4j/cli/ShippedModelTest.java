package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.ok;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The model that comes with the command is taken by its name, wherever a folder is. */
class ShippedModelTest {
  @TempDir private Path folder;

  @Test
  void speaksWithoutAFolder() {
    String text = ok("generate --model austen --prompt Emma --max-tokens 20").out();
    assertThat(text.strip()).hasSizeGreaterThan(10);
  }

  /** As in this project's own folder, a module of which bears the model's name. */
  @Test
  void foldersOfItsNameThatHoldNoModelDoNotHideIt() throws Exception {
    Path folderOfItsName = Path.of("austen");
    Files.createDirectory(folderOfItsName);
    try {
      assertThat(ok("info austen").out()).contains("3,738,112");
    } finally {
      Files.delete(folderOfItsName);
    }
  }

  @Test
  void isShownVerifiedAndConverted() {
    assertThat(ok("info austen").out()).contains("3,738,112");
    assertThat(ok("verify --model austen --tokens 20").out()).contains("every bound holds");
    Path to = folder.resolve("mine");
    ok("convert", "--from", "austen", "--to", to.toString(), "--dtype", "f32");
    assertThat(to.resolve("model.safetensors")).isRegularFile();
  }

  @Test
  void isTrainedFurther() throws Exception {
    Path text = Files.writeString(folder.resolve("text.txt"), "It was a fine day. ".repeat(50));
    Path out = folder.resolve("out");
    ok(
        ("train --from austen --steps 2 --batch 1 --length 32 --eval-every 9 --data " + text)
            .concat(" --out " + out)
            .split(" "));
    assertThat(out.resolve("model.safetensors")).exists();
  }
}
