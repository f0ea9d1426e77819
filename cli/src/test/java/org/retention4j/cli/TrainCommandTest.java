package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.ok;
import static org.retention4j.cli.Commands.refuses;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What train says before it begins. */
class TrainCommandTest {
  @TempDir private Path folder;

  private Path text;

  @BeforeEach
  void writeText() throws IOException {
    text = Files.writeString(folder.resolve("text"), "some words of text\n".repeat(100));
  }

  @Test
  void aDryRunSaysWhatItCostsAndWritesNothing() {
    Path out = folder.resolve("out");
    String line = "train --data " + text + " --out " + out + " --shape s --dry-run";
    String said = ok(line + " --batch 8 --length 256 --max-tokens 60000000").out();
    assertThat(said)
        .contains("3,738,112 parameters, 24.66 MFLOP a token")
        .contains("memory by formula: 59.81 MB of weights, gradients and moments")
        .contains("a product of these shapes: ")
        .contains("29,297 steps of 2,048 tokens: about ");
    assertThat(ok(line).out()).contains("10.0 minutes: about ");
    assertThat(ok(line + " --checkpointing --minutes 0.5").out())
        .contains("0.5 minutes: about ")
        .doesNotContain("fewer with --checkpointing");
    // A moment less of 3.67 million, and a workspace of 2,490,368.
    assertThat(ok(line + " --optimizer muon").out())
        .contains("muon: beta2 0.950000")
        .contains("memory by formula: 55.09 MB of weights, gradients and moments");
    assertThat(out).doesNotExist();
  }

  /** A step of 2·8·256 tokens forgets half of the squares, and takes a thousandth of weights. */
  @Test
  void halfLivesAreInTokens() {
    String line = "train --shape ci --dry-run --steps 5 --data " + text;
    line += " --out " + folder.resolve("out") + " --batch 8 --length 256 --micro-batches 2";
    String said = ok(line + " --rate 0.01 --beta2-half-life 4096 --weight-decay 0.1").out();
    assertThat(said).contains("beta2 0.500000, which forgets half in 4,096 tokens; weight decay");
    // 4096·ln 2 / −ln(0.999)
    assertThat(said).contains("weight decay 0.100000, which alone halves weights in 2,837,711 tok");
    // (1 − 2^(−1/2)) / 0.01
    assertThat(ok(line + " --rate 0.01 --decay-half-life 8192").out())
        .contains("weight decay 29.2893, which alone halves weights in 8,192 tokens at the rate 0");
    assertThat(ok(line + " --weight-decay 0").out()).contains("halves weights in no tokens");
  }

  @Test
  void optionsWithoutEffectAreNamed() {
    String line = "train --shape ci --dry-run --steps 5 --data " + text;
    line += " --out " + folder.resolve("out");
    assertThat(ok(line).errors()).isEmpty();
    assertThat(ok(line + " --pack lines --fresh-share 0.5").errors())
        .contains("--fresh-share has no effect: rows are packed and no streams");
    assertThat(ok(line + " --validation " + text + " --held-out 0.1").errors())
        .contains("--held-out has no effect: another text is held out");
    assertThat(ok(line + " --schedule constant --decay-share 0.1 --last-factor 0.1").errors())
        .contains("--decay-share has no effect")
        .contains("--last-factor has no effect");
  }

  @Test
  void whatCannotBeIsRefused() throws IOException {
    Path out = folder.resolve("out");
    String line = "train --data " + text + " --out " + out;
    refuses("train --out " + out, "--data");
    refuses(line + " --shape huge", "expected a shape of ci, xs, s, m, got huge, for --shape");
    refuses(line + " --shape ci --from " + folder, "expected --shape or --from, got both");
    refuses(line + " --threads 0", "expected --threads in 1..1024, got 0");
    refuses(line + " --beta2 1", "expected beta2 in [0, 1), got 1.0");
    refuses(line + " --optimizer sgd", "--optimizer");
    refuses(
        line + " --beta2-half-life 1e30",
        "expected tokens for --beta2-half-life that leave beta2 below 1, got 1.0E30");
    refuses(
        line + " --beta2 0.9 --beta2-half-life 1000",
        "expected --beta2 or --beta2-half-life, got both");
    refuses(
        line + " --decay-half-life 1000 --weight-decay 0",
        "expected --weight-decay or --decay-half-life, got both");
    for (String halfLife : new String[] {"--beta2-half-life", "--decay-half-life"}) {
      for (String tokens : new String[] {"0", "-1", "NaN", "Infinity"}) {
        refuses(
            line + " " + halfLife + "=" + tokens,
            "expected tokens above 0, finite, for " + halfLife + ", got ");
      }
    }
    refuses(line + " --steps 0", "expected a limit of steps at least 1, got 0");
    refuses(line + " --schedule cosine --minutes 1", "for a rate along a cosine");
    refuses(line + " --shape ci --length 5000", "expected a text of at least 5001 tokens");
    refuses(
        line + " --shape s --batch 100000000 --length 1000",
        " MB of memory for batches of 100000000 rows of 1000 tokens, got ");
    refuses(
        "train --data " + folder.resolve("none") + " --out " + out + " --shape ci",
        "expected a file or a folder of text at");
    Path other = Files.createDirectory(folder.resolve("other"));
    Files.writeString(other.resolve("notes.txt"), "mine");
    refuses(
        "train --data " + text + " --shape ci --out " + other,
        "expected a new or empty folder, or one of a run, got");
    assertThat(out).doesNotExist();
  }
}
