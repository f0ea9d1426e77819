package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.Tensors;

/**
 * Many sessions of many shapes on one model: more shapes than it keeps bindings for, so that
 * bindings come and go under sessions that wait for their turn.
 */
class ManySessionsTest {
  private static final int SESSIONS = 64;
  private static final int THREADS = 8;
  private static final int VOCABULARY = 53;

  private static DecoderConfig config(boolean hybrid) {
    LayerConfig retention = new LayerConfig(RetentionMixerConfig.fla(16, 2), 24, Activation.SILU);
    LayerConfig attention =
        new LayerConfig(new AttentionConfig(16, 2, 1, 8, 10_000), 24, Activation.SILU);
    return DecoderConfig.of(
        VOCABULARY,
        16,
        hybrid
            ? DecoderConfig.everyKth(2, retention, 2, attention)
            : DecoderConfig.uniform(2, retention));
  }

  /** Everything that a session of its own batch size, form and lengths has seen and become. */
  private static double[] story(LanguageModel model, int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int batch = 1 + seed % 4;
    RetentionForm form =
        List.of(new ChunkwiseForm(), new ParallelForm(), new RecurrentForm(), new ChunkwiseForm(5))
            .get(seed / 4 % 4);
    List<double[]> seen = new ArrayList<>();
    try (Session session = model.newSession(batch, SessionOptions.DEFAULT.withForm(form))) {
      for (int longest : new int[] {2 + seed, 1 + random.nextInt(8), 70 + 64 * (seed % 3)}) {
        int[][] tokens = new int[batch][];
        for (int b = 0; b < batch; b++) {
          tokens[b] = random.ints(longest - b % 2, 0, VOCABULARY).toArray();
        }
        session.append(tokens, (row, position, logits) -> seen.add(logits.clone()));
        for (int i = 0; i < 3; i++) {
          session.step(random.ints(batch, 0, VOCABULARY).toArray());
          for (int b = 0; b < batch; b++) {
            double[] logits = new double[VOCABULARY];
            session.logits(b, logits);
            seen.add(logits);
          }
        }
      }
      seen.add(Tensors.flat(session.state(0)));
    }
    return seen.stream().flatMapToDouble(Arrays::stream).toArray();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void eachGetsTheBitsThatItGetsAlone(boolean hybrid) throws Exception {
    long before = HeldMemory.liveBytes();
    try (Engine engine = Engine.create(ElementType.FLOAT32, 2, ComputeRoute.VECTOR);
        LanguageModel model =
            LanguageModel.random(engine, config(hybrid), WeightType.BFLOAT16, 1)) {
      List<double[]> alone = new ArrayList<>();
      try (LanguageModel own =
          LanguageModel.random(engine, config(hybrid), WeightType.BFLOAT16, 1)) {
        for (int i = 0; i < SESSIONS; i++) {
          alone.add(story(own, i));
        }
      }
      ExecutorService threads = Executors.newFixedThreadPool(THREADS);
      try {
        List<Future<double[]>> together = new ArrayList<>();
        for (int i = 0; i < SESSIONS; i++) {
          int seed = i;
          together.add(threads.submit(() -> story(model, seed)));
        }
        for (int i = 0; i < SESSIONS; i++) {
          assertThat(together.get(i).get()).as("session %s", i).isEqualTo(alone.get(i));
        }
      } finally {
        threads.shutdown();
      }
    }
    assertThat(HeldMemory.liveBytes()).as("bytes left behind").isEqualTo(before);
  }
}
