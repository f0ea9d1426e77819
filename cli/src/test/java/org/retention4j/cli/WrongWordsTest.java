package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What cannot be read of a command line: what was expected, and what came. */
class WrongWordsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "nonsense | one of [info, logits, generate, perplexity, serve, verify, train, create,"
            + " convert, bench], got 'nonsense'",
        "--nonsense | an option of retention, got '--nonsense'",
        "info | DIR, got none",
        "info a b | no more words for retention info, got 'b'",
        "info a --nonsense | an option of retention info, got '--nonsense'",
        "info a --length x | a whole number for --length, got 'x'",
        "info a --length 1e3 | a whole number for --length, got '1e3'",
        "info a --length 9223372036854775808 | a whole number of at most 9223372036854775807 for"
            + " --length, got '9223372036854775808'",
        "generate | --model DIR and --prompt TEXT, got none",
        "generate --model a | --prompt TEXT, got none",
        "generate --model a --prompt | TEXT after --prompt, got none",
        "generate --model a --prompt b --promt c | an option of retention generate, such as"
            + " --prompt, got '--promt'",
        "generate --model a --prompt b c | no more words for retention generate, got 'c'",
        "generate --model a --prompt b --prompt c | --prompt once, got it again",
        "generate --model a --prompt b --seed 0.5 | a whole number for --seed, got '0.5'",
        "generate --model a --prompt b --top-k -2147483649 | a whole number of at least -2147483648"
            + " for --top-k, got '-2147483649'",
        "generate --model a --prompt b --stop-token x | a whole number for --stop-token, got 'x'",
        "generate --model a --prompt b --temperature x | a number for --temperature, got 'x'",
        "generate --model a --prompt b --cache f8 | one of [fp32, bf16] for --cache, got 'f8'",
        "generate --model a --prompt b --logprobs=x | true or false for --logprobs, got 'x'",
        "perplexity --model a | FILE, got none",
        "perplexity --model= x | the name of a file or folder for --model, got ''",
        "convert --from a --to= | the name of a file or folder for --to, got ''",
        "create --shape 125m --out= | the name of a file or folder for --out, got ''",
        "create --shape 125m --out a --dtype i8 | f64, f32, f16 or bf16 for --dtype, got 'i8'"
      })
  void areTold(String line, String message) {
    Commands.Result result = Commands.run(line);
    assertThat(result.errors().strip())
        .isEqualTo("retention: expected " + message + " (see --help)");
    assertThat(result.code()).isEqualTo(Main.BAD_INPUT);
    assertThat(result.out()).isEmpty();
  }

  @Test
  void areToldOnOneLine() {
    Commands.Result result = Commands.run("info", "a", "--length", "x\ny");
    assertThat(result.errors().strip()).hasLineCount(1).contains("got 'x y'");
  }
}
