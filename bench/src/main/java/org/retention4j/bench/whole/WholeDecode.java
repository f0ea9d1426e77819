package org.retention4j.bench.whole;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.retention4j.bench.ceiling.BareWork;
import org.retention4j.bench.ceiling.ReadCeiling;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.measure.Statistics;
import org.retention4j.bench.measure.Statistics.Interval;
import org.retention4j.bench.report.Format;
import org.retention4j.bench.report.Verdict;
import org.retention4j.engine.Engine;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.mixer.MixerConfig;

/**
 * Decoding by turns with the reading of memory: one sequence, eight sequences, and one with int8
 * weights. Every step is a sample. What the median of steps leaves out, the step that folds a
 * decoder's buffer, is counted by the mean over the places in a fold of the median at each.
 */
final class WholeDecode {
  private static final int BATCH = 8;
  private static final double GIGA = 1e9;
  private static final double MEGA = 1e6;

  private final Engine engine;
  private final WholeEffort effort;
  private final LanguageModel model;
  private final LanguageModel integers;

  WholeDecode(Engine engine, WholeEffort effort, LanguageModel model, LanguageModel integers) {
    this.engine = engine;
    this.effort = effort;
    this.model = model;
    this.integers = integers;
  }

  /** Returns steps of a session over tokens of no meaning. */
  static Contender stepping(String name, Session session) {
    int[] tokens = new int[session.batch()];
    int vocabulary = session.model().config().vocabulary();
    return new Contender(
        name,
        () -> {
          for (int b = 0; b < tokens.length; b++) {
            tokens[b] = (tokens[b] * 31 + 7 + b) % vocabulary;
          }
        },
        () -> session.step(tokens));
  }

  void run(WholeModel.Sink sink) {
    List<BareWork> reads = new ArrayList<>();
    try (Session one = model.newSession();
        Session many = model.newSession(BATCH, SessionOptions.DEFAULT);
        Session narrow = integers.newSession()) {
      List<Contender> contenders = new ArrayList<>();
      contenders.add(stepping("one", one));
      contenders.add(stepping("many", many));
      contenders.add(stepping("int8", narrow));
      // What a pass over as much memory as a step reads is worth is told beside the ceiling;
      // JavaCPP lets native memory have as much as the heap may have.
      double room = 0.35 * Runtime.getRuntime().maxMemory();
      BareWork all = new ReadCeiling(engine).compare((long) Math.min(room, bytes(0)));
      reads.add(all);
      contenders.add(new Contender("all", () -> all.run(true)));
      for (Supplier<BareWork> way : new ReadCeiling(engine).ways(effort.readBytes())) {
        BareWork read = way.get();
        reads.add(read);
        contenders.add(new Contender(read.name(), () -> read.run(true)));
      }
      List<Samples> samples =
          Sampler.measure(
              contenders,
              new Sampler.Plan(effort.warmUpSeconds(), effort.folds() * WholeEffort.FOLD, 1));
      List<Samples> readings = samples.subList(4, samples.size());
      int fastest = readings.indexOf(Shares.fastest(readings));
      double bytes = bytes(one.position(0));
      double whole = all.amount() / samples.get(3).median();
      alone(sink, bytes, whole, samples.get(0), reads.get(1 + fastest), readings.get(fastest));
      batch(sink, samples.get(0), samples.get(1));
      int8(sink, samples.get(0), samples.get(2));
    } finally {
      reads.forEach(BareWork::close);
    }
  }

  /** Returns the bytes of a step: weights, states read and written, caches read, on the average. */
  private double bytes(long position) {
    DecoderConfig config = model.config();
    double bytes = model.streamedBytes();
    for (LayerConfig layer : config.layers()) {
      MixerConfig mixer = layer.mixer();
      bytes += Float.BYTES * (2.0 * mixer.stateElements() + mixer.cacheElements(position / 2.0));
    }
    return bytes;
  }

  /** Returns the mean over the places in a fold of the median time at each. */
  private static double folded(Samples samples) {
    double[] times = samples.values();
    double sum = 0;
    for (int place = 0; place < WholeEffort.FOLD; place++) {
      double[] own = new double[times.length / WholeEffort.FOLD];
      for (int i = 0; i < own.length; i++) {
        own[i] = times[i * WholeEffort.FOLD + place];
      }
      sum += Statistics.median(own);
    }
    return sum / WholeEffort.FOLD;
  }

  /** Returns what folding adds to a step on the average, as a factor of the median. */
  private static double folding(Samples samples) {
    return folded(samples) / samples.median();
  }

  private void alone(
      WholeModel.Sink sink,
      double bytes,
      double whole,
      Samples one,
      BareWork read,
      Samples reading) {
    Interval share = Shares.ratio(bytes / read.amount() / folding(one), reading, one);
    sink.add(
        new Verdict(
            "decode B=1: bytes of weights and state per second over the read bandwidth",
            0.75,
            true,
            share.median(),
            read.name(),
            String.format(
                Locale.ROOT,
                "%.2f tokens/s, %.1f GB/s of %.1f (%s, by turns; memcmp over as much memory as a step"
                    + " reads: %.1f); %s",
                GIGA / folded(one),
                bytes / folded(one),
                read.amount() / reading.median(),
                read.name(),
                whole,
                Shares.text(share))),
        "(weights without the embedding table + 2·state + cache)/time, which is averaged over whole folds;"
            + " the fastest of three ways to read 0.5 GB, by turns with it",
        WholeModel.operands(model).label(),
        one,
        1);
  }

  private void batch(WholeModel.Sink sink, Samples one, Samples many) {
    Interval gain = Shares.ratio(BATCH * folding(one) / folding(many), one, many);
    sink.add(
        new Verdict(
            "decode B=8 in tokens/s over B=1",
            3.5,
            true,
            gain.median(),
            "",
            String.format(
                Locale.ROOT,
                "%.1f ms a step, %.1f tokens/s; %s",
                folded(many) / MEGA,
                BATCH * GIGA / folded(many),
                Shares.text(gain))),
        "8·time(B=1)/time(B=8), averaged over whole folds, by turns",
        WholeModel.operands(model).label(),
        many,
        BATCH);
  }

  private void int8(WholeModel.Sink sink, Samples one, Samples narrow) {
    Interval gain = Shares.ratio(folding(one) / folding(narrow), one, narrow);
    String file = WholeModel.weightName(model);
    sink.add(
        new Verdict(
            "int8 weights: decode B=1 in tokens/s over " + file.toUpperCase(Locale.ROOT),
            1.4,
            true,
            gain.median(),
            "",
            String.format(
                Locale.ROOT,
                "%.2f tokens/s, weights %s; %s",
                GIGA / folded(narrow),
                Format.bytes((double) integers.weightBytes()),
                Shares.text(gain))),
        "time(" + file + ")/time(int8), averaged over whole folds, by turns",
        "s8 x s8",
        narrow,
        1);
  }
}
