package org.retention4j.cli;

import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.cli.jvm.Signals;
import org.retention4j.engine.Engine;
import org.retention4j.model.LanguageModel;
import org.retention4j.server.RetentionServer;
import org.retention4j.server.ServedModel;
import org.retention4j.server.ServerOptions;
import org.retention4j.text.Tokenizer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Serves a model over HTTP until it is asked to end. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Serves a model over HTTP: completions, sessions, and a page to try it.")
final class ServeCommand implements Callable<Integer> {
  @Mixin private ModelOptions model;
  @Mixin private ServeOptions serve;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException {
    ServerOptions options = serve.options();
    Checkpoint checkpoint = model.open(spec);
    serve.sayEffects(spec, Effects.hasCaches(checkpoint));
    PrintWriter errors = spec.commandLine().getErr();
    CountDownLatch end = new CountDownLatch(1);
    try (Tokenizer tokenizer = checkpoint.tokenizer();
        Engine engine = model.engine();
        LanguageModel loaded = model.load(checkpoint, engine);
        Signals signals = Signals.cancelling(end::countDown);
        RetentionServer server =
            RetentionServer.start(
                ServedModel.of(model.name(), checkpoint, loaded, tokenizer), options)) {
      say(server.address(), options, errors);
      end.await();
      errors.println("retention: ends: requests come to their end, sessions are saved");
    }
    return 0;
  }

  private void say(InetSocketAddress address, ServerOptions options, PrintWriter errors) {
    InetAddress host = address.getAddress();
    if (!host.isLoopbackAddress() && options.apiKey().isEmpty()) {
      errors.println(
          "retention: WARNING: other machines reach this server, and there is no --api-key: whoever"
              + " does may use the model, and read, change and delete all sessions");
    }
    String name = host.isAnyLocalAddress() ? "localhost" : options.host();
    boolean bare = name.contains(":");
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        "serving "
            + model.name()
            + " at http://"
            + (bare ? "[" + name + "]" : name)
            + ":"
            + address.getPort()
            + "/");
    out.flush();
  }
}
