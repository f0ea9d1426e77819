package org.retention4j.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/** The main job of the benchmark. */
@Command(
    name = "bench",
    description = "Runs the benchmark against a Transformer; bench --help shows its options.")
final class BenchCommand implements Callable<Integer> {
  @Unmatched private List<String> arguments = new ArrayList<>();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    return org.retention4j.bench.Main.execute(
        arguments.toArray(new String[0]), System.out, spec.commandLine().getErr());
  }
}
