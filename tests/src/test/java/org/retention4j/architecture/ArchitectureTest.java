package org.retention4j.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaAccess.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.architecture.House.CLASSES;
import static org.retention4j.architecture.House.ROOT;
import static org.retention4j.architecture.House.in;
import static org.retention4j.architecture.House.outermost;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The house as docs/architecture.md draws it: what may see what. Nothing is frozen and nothing is
 * left out; a violation names the class and the line.
 */
class ArchitectureTest {
  /** A Java file of a module and the folder that is its package. */
  private static final Pattern MAIN_CLASS = Pattern.compile("[^/]+/src/main/java/(.+)/[^/]+");

  /** What the classes of a mixer that take or give arrays implement. */
  private static final List<String> ARRAYS_OF_MIXERS =
      List.of(in("model.mixer.TokenMixer", "model.mixer.MixerState", "model.mixer.MixerTrial"));

  /** Classes of model that are made to take or give arrays: layers alone, and their proofs. */
  private static final Set<String> BORDER_OF_MODEL =
      Set.of(
          in(
              "model.DecoderStack",
              "model.FrameChecks",
              "model.FrameSession",
              "model.SequenceStates",
              "model.Session",
              "model.stack.BoundLayer",
              "model.stack.DecoderLayer",
              "model.stack.LmHead",
              "model.mixer.Outcome",
              "model.mixer.MixerState",
              "model.mixer.TokenMixer"));

  private static final DescribedPredicate<JavaClass> AT_THE_BORDER_OF_MODEL =
      describe(
          "at the border of model",
          type -> BORDER_OF_MODEL.contains(outermost(type).getName()) || isProvedMixer(type));

  /** A mixer, its state, its trials and its float64 reference, whichever mixer it is. */
  private static boolean isProvedMixer(JavaClass type) {
    JavaClass file = outermost(type);
    return resideInAPackage(ROOT + "model.mixer.(*)").test(file)
        && (file.getSimpleName().endsWith("Reference")
            || ARRAYS_OF_MIXERS.stream().anyMatch(file::isAssignableTo));
  }

  /** So that no rule is kept by being blind: every package with a class, of every module. */
  @Test
  void classesOfAllModulesAreSeen() {
    Set<String> written = new TreeSet<>();
    for (Path file : House.javaFiles()) {
      Matcher main = MAIN_CLASS.matcher(file.toString().replace(File.separatorChar, '/'));
      if (main.matches() && !file.endsWith("package-info.java")) {
        written.add(main.group(1).replace('/', '.'));
      }
    }
    assertThat(written)
        .contains(in("core", "parallel", "recurrent", "chunkwise", "model", "checkpoint"))
        .contains(in("text", "generate", "verify", "estimate", "testkit", "bench", "cli"))
        .contains(in("batch", "server"));
    Set<String> seen = CLASSES.stream().map(JavaClass::getPackageName).collect(Collectors.toSet());
    assertThat(seen).as("packages on this class path").containsAll(written);
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

  /** Rule 3. */
  @Test
  void insidesOfCheckpointsAreSeenByThemAndTheCommand() {
    seenOnlyBy("checkpoint.internal..", "checkpoint..", "cli..");
  }

  /** Rule 3. */
  @Test
  void insidesOfTextsAreSeenByThemOnly() {
    seenOnlyBy("text.internal..", "text..");
  }

  private static void seenOnlyBy(String inside, String... by) {
    noClasses()
        .that()
        .resideOutsideOfPackages(in(by))
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ROOT + inside)
        .check(CLASSES);
  }

  /** Rule 3: every room inside something is one of those above. */
  @Test
  void noOtherRoomsAreInside() {
    Set<String> inside =
        CLASSES.stream()
            .map(JavaClass::getPackageName)
            .filter(name -> name.contains(".internal."))
            .map(name -> name.substring(ROOT.length(), name.indexOf("internal.") + 9))
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(inside).containsExactly("checkpoint.internal.", "internal.", "text.internal.");
  }

  /** Rule 3: what others can name, call, read or extend shows no machine. */
  @Test
  void noSignatureShowsAMachine() {
    List<String> shown =
        CLASSES.stream()
            .filter(not(resideInAPackage("..internal..")))
            .filter(Signatures::isVisible)
            .flatMap(type -> Signatures.of(type).stream())
            .filter(part -> part.shows(".internal."))
            .map(Signatures.Part::toString)
            .toList();
    assertThat(shown).as("types of internal in what others can use").isEmpty();
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
        .and(not(AT_THE_BORDER_OF_MODEL))
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.nd4j..")
        .check(CLASSES);
  }

  /** The packages of forms: who adds one need not come here. */
  static Set<String> forms() {
    return CLASSES.stream()
        .filter(type -> type.isAssignableTo(ROOT + "core.form.RetentionForm"))
        .filter(not(resideInAnyPackage(in("core..", "testkit.."))))
        .map(JavaClass::getPackageName)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Rule 7. */
  @Test
  void formsAreFound() {
    assertThat(forms()).contains(in("chunkwise", "parallel", "recurrent"));
  }

  /** Rule 7. */
  @ParameterizedTest
  @MethodSource("forms")
  void formsSeeTheirBusinessOnly(String form) {
    noClasses()
        .that()
        .resideInAPackage(form + "..")
        .should()
        .dependOnClassesThat(
            resideInAPackage("org.retention4j..")
                .and(not(resideInAPackage(form + "..")))
                .and(not(resideInAnyPackage(in("core.form", "engine.ops")))))
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
        .resideInAnyPackage(in("model.mixer.(*).."))
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
        .resideInAnyPackage(in("checkpoint.format..", "checkpoint.internal.files..", "text.."))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            in(
                "model..",
                "checkpoint",
                "checkpoint.internal.family..",
                "generate..",
                "verify..",
                "estimate..",
                "core.."))
        .check(CLASSES);
  }

  /** Rule 10: neither by a call nor by a method reference. */
  @Test
  void onlyTheDoorAsksForTheBestRoute() {
    noClasses()
        .that()
        .resideOutsideOfPackages(in("engine", "bench..", "cli.."))
        .should()
        .accessTargetWhere(
            target(name("best")).and(target(owner(name(ROOT + "engine.ComputeRoute")))))
        .check(CLASSES);
  }
}
