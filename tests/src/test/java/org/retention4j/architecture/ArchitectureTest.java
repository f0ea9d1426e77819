package org.retention4j.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The house as docs/architecture.md draws it: what may see what. Nothing is frozen and nothing is
 * left out; a violation names the class and the line.
 */
class ArchitectureTest {
  private static final String ROOT = "org.retention4j.";

  /** Main classes of all modules on this path; the kit's too, which are main classes here. */
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(location -> !location.contains("jmh_generated"))
          .importPackages("org.retention4j");

  /** Classes of model that are made to take or give arrays: layers alone, and their proofs. */
  private static final String BORDER_OF_MODEL =
      "org\\.retention4j\\.model\\.(Session|stack\\.(BoundLayer|DecoderLayer|LmHead)|mixer\\."
          + "(Outcome|MixerState|TokenMixer|attention\\.Attention(Mixer|Reference)"
          + "|retention\\.Retention(CoreTrial|Mixer|MixerState)))(\\$.*)?";

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

  /** What of checkpoint.format a user meets: the files he may read or write alone. */
  private static final Set<String> USER_TYPES_OF_FORMATS =
      Set.of(
          in(
              "checkpoint.format.CheckpointException",
              "checkpoint.format.DType",
              "checkpoint.format.NpyFile",
              "checkpoint.format.NpyWriter",
              "checkpoint.format.SafetensorsFile",
              "checkpoint.format.TensorInfo"));

  private static String[] in(String... packages) {
    return Stream.of(packages).map(p -> ROOT + p).toArray(String[]::new);
  }

  @Test
  void classesOfAllModulesAreSeen() {
    assertThat(CLASSES.stream().map(JavaClass::getPackageName).distinct())
        .contains(in("core", "engine", "chunkwise", "model", "checkpoint", "testkit"));
  }

  /** Rule 1. */
  @Test
  void packagesAreFreeOfCycles() {
    slices().matching(ROOT + "(**)").should().beFreeOfCycles().check(CLASSES);
  }

  /** Rule 2. */
  @Test
  void wordsImportNothingOfTheProject() {
    noClasses()
        .that()
        .resideInAPackage(ROOT + "engine.ops")
        .should()
        .dependOnClassesThat(
            resideInAPackage("org.retention4j..").and(not(resideInAPackage(ROOT + "engine.ops"))))
        .check(CLASSES);
  }

  /** Rule 3. */
  @Test
  void machinesAreSeenByTheDoorOnly() {
    noClasses()
        .that()
        .resideOutsideOfPackages(in("engine", "internal.."))
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ROOT + "internal..")
        .check(CLASSES);
  }

  /** Rule 3: what is public or protected outside shows no machine in its signature. */
  @Test
  void noSignatureShowsAMachine() {
    methods()
        .that()
        .areDeclaredInClassesThat()
        .resideOutsideOfPackage(ROOT + "internal..")
        .should(
            new ArchCondition<JavaMethod>("show no type of internal in what others can call") {
              @Override
              public void check(JavaMethod method, ConditionEvents events) {
                boolean visible =
                    method.getOwner().getModifiers().contains(JavaModifier.PUBLIC)
                        && (method.getModifiers().contains(JavaModifier.PUBLIC)
                            || method.getModifiers().contains(JavaModifier.PROTECTED));
                Stream.concat(
                        Stream.of(method.getRawReturnType()),
                        method.getRawParameterTypes().stream())
                    .filter(type -> type.getPackageName().startsWith(ROOT + "internal"))
                    .filter(type -> visible)
                    .forEach(
                        type ->
                            events.add(
                                SimpleConditionEvent.violated(
                                    method, method.getFullName() + " shows " + type.getName())));
              }
            })
        .check(CLASSES);
  }

  /** Rule 4. */
  @Test
  void vectorsStayInTheirRooms() {
    noClasses()
        .that()
        .resideOutsideOfPackages(in("internal.vector", "internal.linear.vector", "bench.ceiling"))
        .should()
        .dependOnClassesThat()
        .resideInAPackage("jdk.incubator.vector..")
        .check(CLASSES);
  }

  /**
   * Rule 5: the vector kernels' weights hand oneDNN copies of their blocks, and the benchmark
   * measures bare oneDNN as its ceiling.
   */
  @Test
  void oneDnnStaysInItsRoom() {
    noClasses()
        .that()
        .resideOutsideOfPackages(in("internal.linear.onednn", "internal.linear.vector", "bench.."))
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.bytedeco.dnnl..")
        .check(CLASSES);
  }

  /** Rule 5: beside them, the tokenizers' loader. */
  @Test
  void nativeMemoryStaysInItsRooms() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            in(
                "internal.linear..",
                "internal.memory",
                "internal.nd4j",
                "internal.lanes",
                "engine.natives",
                "bench..",
                "testkit"))
        .and()
        .doNotHaveFullyQualifiedName(ROOT + "text.NativeTokenizers")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.bytedeco.javacpp..")
        .check(CLASSES);
  }

  /** Rule 6: ND4J's arrays are met at the border only. */
  @Test
  void arraysStayAtTheBorder() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            in(
                "core..",
                "engine",
                "internal.nd4j",
                "internal.lanes",
                "testkit..",
                "bench..",
                "cli..",
                "verify.."))
        .and()
        .haveNameNotMatching(BORDER_OF_MODEL)
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.nd4j..")
        .check(CLASSES);
  }

  /** Rule 7. */
  @ParameterizedTest
  @ValueSource(strings = {"chunkwise", "parallel", "recurrent"})
  void formsSeeTheirBusinessOnly(String form) {
    noClasses()
        .that()
        .resideInAPackage(ROOT + form)
        .should()
        .dependOnClassesThat(
            resideInAPackage("org.retention4j..")
                .and(not(resideInAnyPackage(in(form, "core.form", "engine.ops")))))
        .check(CLASSES);
  }

  /** Rule 8. */
  @Test
  void stackNamesNoMixer() {
    noClasses()
        .that()
        .resideInAnyPackage(in("model", "model.stack", "model.mixer"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(in("model.mixer.(*)"))
        .check(CLASSES);
  }

  /** Rule 8. */
  @Test
  void noMixerSeesAnother() {
    slices().matching(ROOT + "model.mixer.(*)..").should().notDependOnEachOther().check(CLASSES);
  }

  /** Rule 9. */
  @Test
  void formatsAndTextKnowNoModel() {
    noClasses()
        .that()
        .resideInAnyPackage(in("checkpoint.format", "text"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            in("model..", "checkpoint", "checkpoint.family", "generate", "verify", "core.."))
        .check(CLASSES);
  }

  /** Rule 10. */
  @Test
  void onlyTheDoorAsksForTheBestRoute() {
    noClasses()
        .that()
        .resideOutsideOfPackages(in("engine", "bench..", "cli.."))
        .should()
        .callMethodWhere(
            target(name("best")).and(target(owner(name(ROOT + "engine.ComputeRoute")))))
        .check(CLASSES);
  }

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

  /** No file that does not fit into a head; the tests' files too. */
  @Test
  void filesHaveAtMost400Lines() throws IOException {
    Path root = Path.of("..").toRealPath();
    List<String> tooLong;
    try (Stream<Path> files = Files.walk(root)) {
      tooLong =
          files
              .filter(file -> file.toString().endsWith(".java"))
              .filter(file -> !root.relativize(file).toString().contains("target"))
              .filter(file -> lines(file) > 400)
              .map(file -> root.relativize(file) + " " + lines(file))
              .sorted()
              .toList();
    }
    assertThat(tooLong).as("files of more than 400 lines").isEmpty();
  }

  private static long lines(Path file) {
    try (Stream<String> lines = Files.lines(file)) {
      return lines.count();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** What a user meets: enough to do his work, few enough to know. */
  @Test
  void usersMeetAtMost60Types() {
    List<String> types =
        CLASSES.stream()
            .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC))
            .filter(type -> type.getEnclosingClass().isEmpty())
            .filter(
                type ->
                    USER_PACKAGES.contains(type.getPackageName())
                        || USER_TYPES_OF_FORMATS.contains(type.getName()))
            .map(JavaClass::getName)
            .sorted()
            .toList();
    assertThat(types).containsAll(USER_TYPES_OF_FORMATS);
    assertThat(types).as("public types a user meets").hasSizeLessThanOrEqualTo(60);
  }
}
