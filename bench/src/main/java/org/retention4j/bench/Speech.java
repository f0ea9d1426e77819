package org.retention4j.bench;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.retention4j.austen.Austen;
import org.retention4j.engine.Engine;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.generate.Generator;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.text.SamplingOptions;

/** The model that comes with the project continues a sentence, as it is written. */
final class Speech {
  private static final String PROMPT = "\"My dear Mr. Bennet,\" said ";
  private static final int TOKENS = 300;
  private static final double TEMPERATURE = 0.5;
  private static final double NANOS = 1e9;

  private Speech() {}

  /** Lets it speak, and says how fast that went. */
  static void run(Engine engine, long seed, PrintStream out) {
    try (LanguageModel model = Austen.load(engine);
        Session session = model.newSession()) {
      out.printf(
          Locale.ROOT,
          "The model that comes with this project, %.1f million parameters over bytes, goes on:%n%n",
          model.config().parameters() / 1e6);
      out.print("  " + PROMPT + "|");
      GenerationOptions options =
          GenerationOptions.DEFAULT
              .withMaxTokens(TOKENS)
              .withSampling(SamplingOptions.DEFAULT.withTemperature(TEMPERATURE).withSeed(seed));
      long begin = System.nanoTime();
      String text =
          new Generator(Austen.tokenizer())
              .generate(session, PROMPT, options, piece -> print(piece, out))
              .text();
      double seconds = (System.nanoTime() - begin) / NANOS;
      out.printf(
          Locale.ROOT,
          "%n%n  (%d bytes in %.2f s, from a state of %d kB)%n%n",
          text.getBytes(StandardCharsets.UTF_8).length,
          seconds,
          session.bytes() / 1000);
    }
  }

  private static void print(String piece, PrintStream out) {
    out.print(piece.replace("\n", "\n  "));
    out.flush();
  }
}
