package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.ok;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that trains is killed, as by kill -9, and the same command goes on. */
class KilledTrainingTest {
  private static final int KILLS = 4;

  private static final int MANY_KILLS = 20;

  /** More than are taken in the time before a kill. */
  private static final int STEPS_FOR_A_KILL = 100;

  /** The most that a process is waited for before it is killed. */
  private static final int LONGEST_MILLIS = 900;

  @TempDir private Path folder;

  @Test
  void theWeightsAreThoseOfARunWithoutAnEnd() throws Exception {
    killed(KILLS, 60, new Random(5));
  }

  /** Long enough that all of them hit a run; where, nobody chooses. */
  @Tag("slow")
  @Test
  void theWeightsAreThoseOfARunWithoutAnEndAfterTwentyKills() throws Exception {
    long seed = System.nanoTime();
    try {
      assertThat(killed(MANY_KILLS, MANY_KILLS * STEPS_FOR_A_KILL, new Random(seed)))
          .as("processes that were killed while they trained")
          .isEqualTo(MANY_KILLS);
    } catch (AssertionError e) {
      throw new AssertionError("with seed " + seed, e);
    }
  }

  /** Returns how many processes were killed before their run ended. */
  private int killed(int kills, int steps, Random random) throws Exception {
    Path text = folder.resolve("text");
    Files.writeString(text, "The quick brown fox jumps over the lazy dog, again.\n".repeat(400));
    String options =
        "train --shape ci --batch 2 --length 64 --steps "
            + steps
            + " --save-every 3 --eval-every 9"
            + " --sample-tokens 4 --threads 2 --data "
            + text;
    Path whole = folder.resolve("whole");
    ok(options + " --out " + whole);
    Path killed = folder.resolve("killed");
    Path jar = Processes.jar(folder.resolve("train.jar"));
    // Element-wise kernels as here: the plain ones round a sum otherwise.
    List<String> command =
        new ArrayList<>(
            List.of(
                Processes.JAVA.toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "-Dretention.relaunch=false",
                "-jar",
                "" + jar));
    command.addAll(1, Processes.QUICK);
    command.addAll(Arrays.asList((options + " --out " + killed).split(" ")));
    int alive = 0;
    for (int i = 0; i < kills; i++) {
      alive += kill(command, killed, random.nextInt(LONGEST_MILLIS)) ? 1 : 0;
    }
    String said = ok(options + " --out " + killed).out();
    assertThat(said).contains("done after " + Texts.count(steps) + " steps");
    String name = String.format(Locale.ROOT, "checkpoint-%06d", steps);
    for (String file : List.of("model.safetensors", "optimizer.safetensors")) {
      assertThat(Files.readAllBytes(killed.resolve(name).resolve(file)))
          .as(file)
          .isEqualTo(Files.readAllBytes(whole.resolve(name).resolve(file)));
    }
    assertThat(ok("generate --model " + killed + " --prompt The --max-tokens 5").out())
        .isNotBlank();
    return alive;
  }

  @Test
  void aProcessThatIsAskedToEndLosesNothing() throws Exception {
    Path text = folder.resolve("text");
    Files.writeString(text, "The quick brown fox jumps over the lazy dog, again.\n".repeat(400));
    Path out = folder.resolve("run");
    Path jar = Processes.jar(folder.resolve("train.jar"));
    String line =
        "-Dretention.relaunch=false -jar %s train --shape ci --batch 2 --length 64 --threads 2"
            + " --steps 1000000 --save-every 1000000 --eval-every 1000000 --sample-tokens 4"
            + " --data %s --out %s";
    List<String> command = new ArrayList<>(List.of(Processes.JAVA.toString()));
    command.addAll(Processes.QUICK);
    command.addAll(Arrays.asList(String.format(line, jar, text, out).split(" ")));
    Path said = folder.resolve("said");
    ProcessBuilder builder = Processes.process(Map.of(), command);
    builder.redirectOutput(said.toFile());
    builder.redirectErrorStream(true);
    Process process = builder.start();
    long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (process.isAlive() && !Files.readString(said).contains("step 1 ")) {
      assertThat(System.nanoTime()).isLessThan(patience);
      Thread.sleep(5);
    }
    process.destroy();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isEqualTo(130);
    assertThat(Files.readString(said))
        .contains("retention: ends behind this step, with a checkpoint")
        .contains("interrupted, the same command goes on, after ");
    assertThat(Files.readString(out.resolve("latest")).strip()).isGreaterThan("checkpoint-000000");
    assertThat(out.resolve(".lock")).doesNotExist();
    assertThat(out.resolve("report.html")).exists();
  }

  /** Waits until it has begun to train, and a little; returns whether it still trained. */
  private static boolean kill(List<String> command, Path out, int millis) throws Exception {
    ProcessBuilder builder = Processes.process(Map.of(), command);
    builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.redirectError(ProcessBuilder.Redirect.DISCARD);
    Process process = builder.start();
    long lines = lines(out);
    long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (process.isAlive() && lines(out) == lines && System.nanoTime() < patience) {
      Thread.sleep(5);
    }
    process.waitFor(millis, TimeUnit.MILLISECONDS);
    boolean alive = process.isAlive();
    process.destroyForcibly().waitFor();
    return alive;
  }

  private static long lines(Path out) throws IOException {
    Path log = out.resolve("train.jsonl");
    return Files.exists(log) ? Files.size(log) : 0;
  }
}
