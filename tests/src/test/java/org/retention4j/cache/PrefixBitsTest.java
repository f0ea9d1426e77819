package org.retention4j.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.parallel.ParallelForm;

/** The same prompt with the cache and without gives the same bits, at any length. */
class PrefixBitsTest extends CacheFixture {
  private static final int PROMPTS = 60;

  /** Whatever a session may be. */
  enum Kind {
    RETENTION_VECTOR(ElementType.FLOAT32, ComputeRoute.VECTOR, WeightType.FLOAT32, 0),
    RETENTION_PLAIN(ElementType.FLOAT32, ComputeRoute.PLAIN, WeightType.FLOAT32, 0),
    RETENTION_BFLOAT16(ElementType.FLOAT32, ComputeRoute.VECTOR, WeightType.BFLOAT16, 0),
    RETENTION_PARALLEL(ElementType.FLOAT32, ComputeRoute.VECTOR, WeightType.FLOAT32, 0),
    RETENTION_FLOAT64(ElementType.FLOAT64, ComputeRoute.PLAIN, WeightType.FLOAT64, 0),
    HYBRID_VECTOR(
        ElementType.FLOAT32, ComputeRoute.VECTOR, WeightType.FLOAT32, AttentionConfig.UNBOUNDED),
    HYBRID_BFLOAT16_CACHE(ElementType.FLOAT32, ComputeRoute.PLAIN, WeightType.FLOAT32, 40),
    HYBRID_FLOAT64(ElementType.FLOAT64, ComputeRoute.PLAIN, WeightType.FLOAT64, 90);

    final ElementType type;
    final ComputeRoute route;
    final WeightType weights;
    final int window;

    Kind(ElementType type, ComputeRoute route, WeightType weights, int window) {
      this.type = type;
      this.route = route;
      this.weights = weights;
      this.window = window;
    }

    SessionOptions options() {
      SessionOptions options = SessionOptions.DEFAULT;
      return switch (this) {
        case RETENTION_BFLOAT16 -> options.withBfloat16Prefill(true);
        case RETENTION_PARALLEL -> options.withForm(new ParallelForm());
        case HYBRID_BFLOAT16_CACHE ->
            options.withCache(KvCacheOptions.DEFAULT.withCacheType(CacheType.BFLOAT16));
        default -> options;
      };
    }
  }

  @ParameterizedTest
  @EnumSource
  void areThoseOfTheSamePieces(Kind kind) throws IOException {
    try (Engine own = Engine.create(kind.type, 2, kind.route);
        LanguageModel model = LanguageModel.random(own, config(kind.window), kind.weights, 5);
        PrefixCache cache = new PrefixCache(model, OPTIONS.withEvery(2 * PIECE))) {
      SplittableRandom random = new SplittableRandom(7);
      for (int i = 0; i < PROMPTS; i++) {
        int[] prompt =
            join(
                text(random.nextInt(3), random.nextInt(5 * PIECE)),
                text(10 + random.nextInt(3), 1 + random.nextInt(2 * PIECE)));
        assertSame(cached(cache, kind.options(), prompt), plain(model, kind.options(), prompt));
      }
      PrefixCacheStats stats = cache.stats();
      assertThat(stats.partialHits()).isGreaterThan(PROMPTS / 3);
      assertThat(stats.hits() + stats.partialHits() + stats.misses()).isEqualTo(PROMPTS);
    }
  }

  /** In float64 sums do not depend on the rows beside them, so neither on the pieces. */
  @ParameterizedTest
  @EnumSource(names = {"RETENTION_FLOAT64", "HYBRID_FLOAT64"})
  void areThoseOfOneCallInFloat64(Kind kind) throws IOException {
    try (Engine own = Engine.create(kind.type, 2, kind.route);
        LanguageModel model = LanguageModel.random(own, config(kind.window), kind.weights, 5);
        PrefixCache cache = new PrefixCache(model, OPTIONS)) {
      for (int length = 190; length < 1100; length += 173) {
        int[] prompt = text(1, length);
        try (Session session = cache.read(prompt);
            Session once = model.newSession()) {
          once.append(prompt);
          assertThat(logits(session)).isEqualTo(logits(once));
        }
      }
      assertThat(cache.stats().partialHits()).isEqualTo(5);
    }
  }
}
