package org.retention4j.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.architecture.House.CLASSES;
import static org.retention4j.architecture.House.in;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** How large the house's rooms may become, as docs/architecture.md says. */
class SizesTest {
  private static final Set<String> USER_PACKAGES =
      Set.of(
          in(
              "core",
              "engine",
              "chunkwise",
              "parallel",
              "recurrent",
              "model",
              "checkpoint",
              "text",
              "generate",
              "verify"));

  /**
   * What else a user meets: the files he may read or write alone, a word of a session's call, and
   * with weights of his own what names and gives them.
   */
  private static final Set<String> OTHER_USER_TYPES =
      Set.of(
          in(
              "checkpoint.format.CheckpointException",
              "checkpoint.format.DType",
              "checkpoint.format.NpyFile",
              "checkpoint.format.NpyWriter",
              "checkpoint.format.SafetensorsFile",
              "checkpoint.format.TensorInfo",
              "model.stack.TokenLogits",
              "nn.NormConfig",
              "nn.NormKind",
              "nn.WeightSource",
              "nn.WeightSpec"));

  /** What a user meets beside them who trains. */
  private static final Set<String> TRAINING_PACKAGES =
      Set.of(
          in("train", "train.data", "train.run", "train.report", "train.evaluate", "train.tensor"));

  /** And of a package that is not for users. */
  private static final String OPTIMIZER_OPTIONS = in("train.optimizer.OptimizerOptions")[0];

  /** What a user meets who serves: batches, beginnings that are kept, drafts, the server. */
  private static final Set<String> SERVING_PACKAGES =
      Set.of(in("batch", "cache", "draft", "server"));

  /** No room so full that nobody finds anything in it. */
  @Test
  void packagesHoldAtMost25Types() {
    Map<String, Long> types =
        CLASSES.stream()
            .filter(type -> type.getEnclosingClass().isEmpty() && !type.isAnonymousClass())
            .filter(type -> !type.getSimpleName().equals("package-info"))
            .collect(
                Collectors.groupingBy(
                    JavaClass::getPackageName, TreeMap::new, Collectors.counting()));
    types.values().removeIf(count -> count <= 25);
    assertThat(types).as("packages of more than 25 types").isEmpty();
  }

  /** No Java file that does not fit into a head; the tests' too. */
  @Test
  void javaFilesHaveAtMost400Lines() {
    List<Path> files = House.javaFiles();
    assertThat(files).as("Java files of the project").hasSizeGreaterThan(100);
    List<String> tooLong =
        files.stream()
            .filter(file -> lines(file) > 400)
            .map(file -> file + " " + lines(file))
            .toList();
    assertThat(tooLong).as("Java files of more than 400 lines").isEmpty();
  }

  private static long lines(Path file) {
    try (Stream<String> lines = Files.lines(House.folder().resolve(file))) {
      return lines.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What a user meets: enough to do his work, few enough to know. */
  @Test
  void usersMeetAtMost76Types() {
    List<String> types =
        publicTypes(
            type ->
                USER_PACKAGES.contains(type.getPackageName())
                    || OTHER_USER_TYPES.contains(type.getName()));
    assertThat(types).containsAll(OTHER_USER_TYPES);
    assertThat(types).as("public types a user meets").hasSizeLessThanOrEqualTo(76);
  }

  @Test
  void usersWhoTrainMeetAtMost32More() {
    List<String> types =
        publicTypes(
            type ->
                TRAINING_PACKAGES.contains(type.getPackageName())
                    || type.getName().equals(OPTIMIZER_OPTIONS));
    assertThat(types).contains(OPTIMIZER_OPTIONS);
    assertThat(types).as("public types of training").hasSizeBetween(20, 32);
  }

  @Test
  void usersWhoServeMeetAtMost22() {
    List<String> types = publicTypes(type -> SERVING_PACKAGES.contains(type.getPackageName()));
    assertThat(types).as("public types of serving").hasSizeBetween(15, 22);
  }

  private static List<String> publicTypes(Predicate<JavaClass> which) {
    return CLASSES.stream()
        .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC))
        .filter(type -> type.getEnclosingClass().isEmpty())
        .filter(which)
        .map(JavaClass::getName)
        .sorted()
        .toList();
  }
}
