package org.retention4j.architecture;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** What the rules are about: all main classes, and all Java files. */
final class House {
  static final String ROOT = "org.retention4j.";

  /** Main classes of all modules on this path; the kit's too, which are main classes here. */
  static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(location -> !location.contains("jmh_generated"))
          .importPackages("org.retention4j");

  private House() {}

  /** Returns packages or classes by their full names. */
  static String[] in(String... names) {
    return Stream.of(names).map(name -> ROOT + name).toArray(String[]::new);
  }

  /** Returns the class of a file: itself, or the one that a nested class stands in. */
  static JavaClass outermost(JavaClass type) {
    return type.getEnclosingClass().map(House::outermost).orElse(type);
  }

  /** Returns the folder of the whole project. */
  static Path folder() {
    try {
      return Path.of("..").toRealPath();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns all Java files, the tests' too, as paths in {@link #folder}. */
  static List<Path> javaFiles() {
    Path root = folder();
    try (Stream<Path> files = Files.walk(root)) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .map(root::relativize)
          .filter(file -> !isBuilt(file))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isBuilt(Path file) {
    return StreamSupport.stream(file.spliterator(), false)
        .anyMatch(part -> part.toString().equals("target"));
  }
}
