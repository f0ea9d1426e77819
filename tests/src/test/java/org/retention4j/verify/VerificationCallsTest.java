package org.retention4j.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.engine.Engine;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Npy;

/** What a proof is asked on is checked before anything is read or computed. */
class VerificationCallsTest {
  private final Checkpoint checkpoint = Checkpoint.open(Npy.path("/golden/model/fla-f32"));
  private final Engine single = Engines.plain();
  private final Engine wide = Engines.float64();

  private static void refuses(ThrowingCallable code, String... said) {
    assertThatIllegalArgumentException().isThrownBy(code).withMessageContainingAll(said);
  }

  @Test
  void enginesOfOtherTypesAreRefused() {
    refuses(
        () -> new Verification(checkpoint, wide, single),
        "expected an engine of FLOAT32 and one of FLOAT64, got FLOAT64 and FLOAT32");
    refuses(() -> new Verification(checkpoint, single, single), "got FLOAT32 and FLOAT32");
    refuses(() -> new Verification(checkpoint, null, wide), "an engine of FLOAT32, got null");
    refuses(() -> new Verification(checkpoint, single, null), "an engine of FLOAT64, got null");
    refuses(() -> new Verification(null, single, wide), "a checkpoint, got null");
  }

  @Test
  void tokensOutsideTheVocabularyAreRefused() {
    Verification verification = new Verification(checkpoint, single, wide);
    List<VerifiedLine> lines = new ArrayList<>();
    refuses(() -> verification.run(new int[0], lines::add), "at least 1 token, got none");
    refuses(() -> verification.run(null, lines::add), "tokens, got null");
    refuses(() -> verification.run(new int[] {1}, null), "a listener to lines, got null");
    refuses(() -> verification.run(new int[] {1, 97}, lines::add), "tokens in 0..96", "got 97");
    refuses(() -> verification.run(new int[] {-1}, lines::add), "tokens in 0..96", "got -1");
    assertThat(lines).isEmpty();
  }
}
