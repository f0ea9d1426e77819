package org.retention4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;
import org.junit.platform.testkit.engine.Events;

/** Implementations broken on purpose fail the contracts, and those that are not do not. */
class ContractsCatchDefectsTest {
  /** Runs all of a contract. */
  private static Events run(Class<?> contract, Defect defect) {
    return run(selectClass(contract), defect);
  }

  /** Runs one test of a contract, with each of its cases. */
  private static Events run(Class<?> contract, Defect defect, String test) {
    Method method =
        Arrays.stream(contract.getMethods())
            .filter(m -> m.getName().equals(test))
            .findFirst()
            .orElseThrow();
    return run(selectMethod(contract, method), defect);
  }

  private static Events run(DiscoverySelector selector, Defect defect) {
    return EngineTestKit.engine("junit-jupiter")
        .configurationParameter(DefectExtension.PARAMETER, defect.name())
        .selectors(selector)
        .execute()
        .testEvents();
  }

  private static Set<String> failedTests(Events events) {
    Set<String> names = new TreeSet<>();
    for (Event event : events.failed().list()) {
      names.add(
          event
              .getTestDescriptor()
              .getSource()
              .map(source -> ((MethodSource) source).getMethodName())
              .orElseThrow());
    }
    return names;
  }

  @Test
  void aFormWithoutDefectPasses() {
    Events events = run(LoopForm.class, Defect.NONE);
    assertThat(failedTests(events)).isEmpty();
    assertThat(events.succeeded().count()).isGreaterThan(90);
    assertThat(events.skipped().count()).isZero();
  }

  @Test
  void aBlockWithoutDefectPasses() {
    Events events = run(LoopBlock.class, Defect.NONE);
    assertThat(failedTests(events)).isEmpty();
    assertThat(events.succeeded().count()).isGreaterThan(60);
    assertThat(events.skipped().count()).isZero();
  }

  /** Which tests of the form contract catch which defect. */
  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "DECAY_DROPPED, equalsTheReference",
        "OUTPUT_BEFORE_UPDATE, equalsTheReference",
        "STATE_ONE_TOKEN_SHORT, handsTheStateOverAtEverySplit",
        "STATE_NOT_CARRIED, handsTheStateOverAtEverySplit",
        "STATE_NOT_CARRIED, handsTheStateOverToAnotherForm",
        "STATE_NOT_CARRIED, acceptsNoTokens",
        "FUTURE_LEAKS, doesNotSeeTheFuture",
        "NAN_OF_THE_FUTURE_LEAKS, doesNotSeeTheFuture",
        "GAMMA_OF_ANOTHER_HEAD, equalsTheReference",
        "STATE_OF_ANOTHER_ROW, equalsEachRowAlone",
        "STATE_OF_ANOTHER_ROW, keepsNaNInItsRowAndHead",
        "WHOLE_CHUNK_DECAY_ON_A_PARTIAL_ONE, equalsTheReference",
        "WHOLE_CHUNK_DECAY_ON_A_PARTIAL_ONE, handsTheStateOverAtEverySplit",
        "SCALE_LOST, equalsTheReference",
        "SCALE_LOST, multipliesOutputsByTheScale",
        "ONE_TOKEN_WRONG, equalsTheReference",
        "GAMMA_ROUNDED_TO_FP32, equalsTheReference",
        "PADDING_DECAYS, leavesPaddingAlone",
        "PADDING_IS_MULTIPLIED_AWAY, leavesPaddingAlone",
        "INPUT_STATE_MODIFIED, leavesItsInputsAlone",
        "NOTHING_REFUSED, refuses",
        "SHARED_SCRATCH, worksFromManyThreads",
        "RESET_KEEPS_THE_TAIL, equalsTheReference",
        "RESET_KEEPS_THE_TAIL, equalsThePackedSequencesApart",
        "RESET_KEEPS_THE_TAIL, handsTheStateOverAtEverySplit",
        "RESET_MULTIPLIES_AWAY, dropsWhatIsBeforeAReset",
        "RESET_AT_A_CHUNK_BORDER_IS_MISSED, equalsTheReference",
        "RESET_AT_A_CHUNK_BORDER_IS_MISSED, equalsThePackedSequencesApart"
      })
  void theFormContractCatches(Defect defect, String test) {
    assertThat(failedTests(run(LoopForm.class, defect, test))).containsExactly(test);
  }

  /** A defect is caught by what it breaks, as told above, not by everything. */
  @ParameterizedTest
  @CsvSource({
    "NAN_OF_THE_FUTURE_LEAKS, equalsTheReference",
    "PADDING_IS_MULTIPLIED_AWAY, equalsTheReference",
    "INPUT_STATE_MODIFIED, equalsTheReference",
    "RESET_MULTIPLIES_AWAY, equalsTheReference",
    "NOTHING_REFUSED, leavesPaddingAlone",
    "STATE_NOT_CARRIED, leavesItsInputsAlone",
    "FUTURE_LEAKS, refuses"
  })
  void theFormContractDoesNotBlame(Defect defect, String test) {
    Events events = run(LoopForm.class, defect, test);
    assertThat(failedTests(events)).isEmpty();
    assertThat(events.succeeded().count()).isPositive();
  }

  /** Which tests of the block contract catch which defect. */
  @ParameterizedTest
  @CsvSource({
    "ROTATION_SHIFTED, equalsTheReference",
    "ROTATION_SHIFTED, handsTheStateOverAtEverySplit",
    "ROTATION_RESTARTS, rotatesByPosition",
    "ROTATION_RESTARTS, handsTheStateOverAtEverySplit",
    "NORMALISER_SHIFTED, equalsTheReference",
    "KEYS_UNSCALED, equalsTheReference",
    "DECAY_DROPPED, equalsTheReference",
    "STATE_ONE_TOKEN_SHORT, handsTheStateOverAtEverySplit",
    "STATE_NOT_CARRIED, handsTheStateOverAtEverySplit",
    "FUTURE_LEAKS, doesNotSeeTheFuture",
    "GAMMA_OF_ANOTHER_HEAD, equalsTheReference",
    "STATE_OF_ANOTHER_ROW, equalsEachRowAlone",
    "STATE_OF_ANOTHER_ROW, keepsNaNInItsRow",
    "WHOLE_CHUNK_DECAY_ON_A_PARTIAL_ONE, handsTheStateOverAtEverySplit",
    "SCALE_LOST, equalsTheReference",
    "ONE_TOKEN_WRONG, equalsTheReference",
    "PADDING_DECAYS, leavesPaddingAlone",
    "PADDING_IS_MULTIPLIED_AWAY, leavesPaddingAlone",
    "INPUT_STATE_MODIFIED, leavesItsInputsAlone",
    "NOTHING_REFUSED, refuses",
    "SHARED_SCRATCH, worksFromManyThreads",
    "RESET_KEEPS_THE_TAIL, equalsTheReference",
    "RESET_AT_A_CHUNK_BORDER_IS_MISSED, equalsTheReference",
    "RESET_FORGETS_THE_POSITION, equalsTheReference",
    "BIAS_FORGOTTEN, equalsTheReference",
    "VALUES_UNMAPPED, equalsTheReference",
    "KEYS_UNNORMED, equalsTheReference",
    "ALL_CHANNELS_ROTATED, equalsTheReference",
    "NORM_OVER_THE_WRONG_GROUP, equalsTheReference",
    "MEAN_KEPT, equalsTheReference",
    "GATE_OF_ANOTHER_FUNCTION, equalsTheReference",
    "KEYS_OF_THE_WRONG_STREAM, equalsTheReference"
  })
  void theBlockContractCatches(Defect defect, String test) {
    assertThat(failedTests(run(LoopBlock.class, defect, test))).containsExactly(test);
  }

  @Test
  void aBackwardPassWithoutDefectPasses() {
    Events events = run(LoopBackward.class, Defect.NONE);
    assertThat(failedTests(events)).isEmpty();
    assertThat(events.succeeded().count()).isGreaterThan(50);
    assertThat(events.skipped().count()).isZero();
  }

  /** Which tests of the contract of backward passes catch which defect. */
  @ParameterizedTest
  @CsvSource({
    "STATE_GRADIENT_DROPPED_AT_A_CHUNK, equalsTheReference",
    "INITIAL_STATE_NOT_DECAYED, handsGradientsBackAtEverySplit",
    "INITIAL_STATE_NOT_DECAYED, equalsTheReference",
    "FINAL_STATE_IGNORED, handsGradientsBackAtEverySplit",
    "FINAL_STATE_IGNORED, acceptsNoTokens",
    "OWN_OUTPUT_FORGOTTEN, equalsTheReference",
    "SHARED_KEYS_COUNTED_ONCE, equalsTheReference",
    "DECAY_OF_ANOTHER_TOKEN, equalsTheReference",
    "RESET_IS_CROSSED, crossesNoReset",
    "NAN_OF_THE_FUTURE_LEAKS, keepsNaNFromWhatDoesNotDependOnIt",
    "PADDING_HAS_GRADIENT, leavesPaddingAlone",
    "PADDING_DECAYS, leavesPaddingAlone",
    "SCALE_LOST, scalesWhatComesFromTheOutputs",
    "OUTPUT_BEFORE_UPDATE, equalsTheReference",
    "INPUT_STATE_MODIFIED, leavesItsInputsAlone",
    "NOTHING_REFUSED, refusesGradientsOfOtherShapes"
  })
  void theBackwardContractCatches(Defect defect, String test) {
    assertThat(failedTests(run(LoopBackward.class, defect, test))).containsExactly(test);
  }
}
