package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.golden;
import static org.retention4j.cli.Commands.ok;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Options that were given and can have no effect are named, with the reason. */
class EffectsTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "fla-f32 | --top-k 3 | --top-k has no effect: --temperature is 0",
        "fla-f32 | --seed 1 --top-p 0.5 | --top-p, --seed have no effect: --temperature is 0",
        "fla-f32 | --cache bf16 | --cache has no effect: no layer of this model is attention",
        "fla-f32 | --cache-limit 9 | --cache-limit has no effect",
        "fla-f32 | --ignore-eos | --ignore-eos has no effect",
        "fla-f32 | --bf16-products | --bf16-products has no effect: no weights are bf16",
        "fla-bf16 | --bf16-products --weights fp32 | no weights are bf16",
        "fla-bf16 | --bf16-products --compute float64 | --compute is float64",
        "fla-hybrid | --cache fp32 --compute float64 | --compute is float64, and so are caches"
      })
  void areNamed(String model, String options, String said) {
    String line = "generate --max-tokens 1 --prompt ! --model " + golden(model) + " " + options;
    assertThat(ok(line).errors()).contains("retention: ").contains(said);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "fla-f32 | ''",
        "fla-f32 | --temperature 1 --top-k 3 --top-p 0.5 --seed 1",
        "fla-f32 | --repetition-penalty 2 --temperature 0",
        "fla-hybrid | --cache bf16 --cache-limit 9"
      })
  void areNotWhereTheyHaveOne(String model, String options) {
    String line = "generate --max-tokens 1 --prompt ! --model " + golden(model) + " " + options;
    assertThat(ok(line.strip()).errors()).doesNotContain("no effect");
  }

  @Test
  void areNamedByTheOtherCommandsToo() throws Exception {
    Path text = Files.writeString(folder.resolve("text"), "!!!!");
    String model = " --model " + golden("fla-f32");
    assertThat(ok("perplexity --cache-limit 9" + model + " " + text).errors())
        .contains("--cache-limit has no effect");
    assertThat(ok("perplexity" + model + " " + text).errors()).isEmpty();
    String transformer = folder.resolve("transformer").toString();
    Path shape = folder.resolve("shape.json");
    Files.writeString(
        shape,
        "{\"model_type\":\"retnet\",\"hidden_size\":32,\"num_heads\":2,\"num_hidden_layers\":1,"
            + "\"vocab_size\":256}");
    ok("create --transformer --dtype f32 --shape " + shape + " --out " + transformer);
    Path ids = Commands.ids(folder.resolve("ids.npy"), 1, 2, 3);
    String logits =
        "logits --force --ids " + ids + " --out " + folder.resolve("y.npy") + " --model ";
    assertThat(ok(logits + transformer + " --form recurrent").errors())
        .contains("--form has no effect: no layer of this model is retention");
    assertThat(ok(logits + golden("fla-f32") + " --form recurrent").errors()).isEmpty();
  }
}
