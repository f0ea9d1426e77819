package org.retention4j.estimate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.retention4j.core.RetentionConfig;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.RowTable;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.nn.Init;
import org.retention4j.nn.WeightSource;

/** What single matrices, tables and states are said to take, against what they take. */
class TakenMemoryTest {
  /** A tiny matrix in native memory on processors without 512-bit vectors: it takes less. */
  private static final double MOST = 3;

  /** Bytes of a correction, which outputs of 8-bit weights need not have with AMX. */
  private static final double CORRECTION = Integer.BYTES;

  /** Other processors fill up small matrices otherwise. */
  private static final boolean WIDE = Engines.vector().kernelsName().equals("vector-512");

  private static MatrixSource matrix(int outputs, int inputs) {
    return Init.uniform(new SplittableRandom(1), outputs, inputs);
  }

  /** Outputs and inputs: multiples of what they are filled up to, one more, a block and more. */
  @ParameterizedTest
  @CsvSource({"64, 640", "65, 650", "512, 100", "577, 513", "1100, 1025", "2048, 24"})
  void matrices(int outputs, int inputs) {
    MatrixSource w = matrix(outputs, inputs);
    for (Engine engine : List.of(Engines.plain(), Engines.vector(), Engines.float64())) {
      double error = engine.type() == ElementType.FLOAT64 ? 0 : WIDE ? 0.01 : 0.5;
      for (WeightType type : List.of(WeightType.FLOAT32, WeightType.BFLOAT16, WeightType.INT8)) {
        double said = new MemoryEstimate(engine.type()).matrix(type, outputs, inputs);
        try (PackedMatrix packed = engine.pack(w, type)) {
          boolean uncorrected = type == WeightType.INT8 && engine == Engines.plain();
          double most = 1 + error + (uncorrected ? CORRECTION / inputs : 0);
          assertThat(said / packed.bytes())
              .as("%s %s", engine.kernelsName(), type)
              .isBetween(1 - error, WIDE || error == 0 ? most : MOST);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "BFLOAT16", "FLOAT64"})
  void tables(WeightType type) {
    for (int rows : new int[] {1, 1023, 1024, 1025, 2048}) {
      try (RowTable table = Engines.plain().newTable(matrix(rows, 7), type)) {
        assertThat(new MemoryEstimate(ElementType.FLOAT32).table(type, rows, 7))
            .isEqualTo(table.bytes());
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void states(ElementType type) {
    Engine engine = type == ElementType.FLOAT32 ? Engines.vector() : Engines.float64();
    MixerConfig config =
        new RetentionMixerConfig(RetentionConfig.builder(24, 3).keyWidth(6).valueWidth(10).build());
    try (TokenMixer mixer = config.create(WeightSource.random(engine, WeightType.FLOAT32, 1));
        MixerState state = mixer.newState(2, KvCacheOptions.DEFAULT)) {
      for (long length : new long[] {0, 1, 1_000_000}) {
        assertThat(2 * config.stateSize(type, KvCacheOptions.DEFAULT, length).fixed())
            .isEqualTo(state.bytes());
      }
      assertThat(config.stateElements() * 2 * type.bytes()).isEqualTo(state.formulaBytes());
    }
  }

  /** Caches that begin empty, with a block, with several, and full; lengths about blocks. */
  @ParameterizedTest
  @CsvSource({"0, 5000", "256, 5000", "700, 5000", "2000, 2000"})
  void caches(int initial, int limit) {
    MixerConfig config = new AttentionConfig(24, 4, 2, 6, 10_000);
    for (CacheType type : List.of(CacheType.FLOAT32, CacheType.BFLOAT16)) {
      KvCacheOptions options = new KvCacheOptions(limit, initial).withCacheType(type);
      try (TokenMixer mixer =
          config.create(WeightSource.random(Engines.vector(), WeightType.FLOAT32, 1))) {
        for (int length : new int[] {0, 1, 256, 257, 800, 1024, 1025, 2000}) {
          try (MixerState state = mixer.newState(1, options)) {
            // One block after the other, as a session's micro-batches come.
            for (int at = 256; at < length; at += 256) {
              state.fillRandom(1, at);
            }
            state.fillRandom(1, length);
            assertThat(config.stateSize(ElementType.FLOAT32, options, length).heldCache())
                .as("length %s", length)
                .isEqualTo(state.bytes());
            assertThat(config.cacheElements(length) * type.bytes())
                .isEqualTo(state.formulaBytes())
                .isEqualTo(config.stateSize(ElementType.FLOAT32, options, length).cache());
          }
        }
      }
    }
  }
}
