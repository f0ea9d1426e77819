package org.retention4j.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Names of files and folders. An empty one would be the working folder: where a script's variable
 * is empty, a model among whatever is there.
 */
final class PathConverter implements ITypeConverter<Path> {
  @Override
  public Path convert(String name) {
    try {
      if (!name.isEmpty()) {
        return Path.of(name);
      }
    } catch (InvalidPathException e) {
      // As with an empty one.
    }
    throw new TypeConversionException("the name of a file or folder");
  }
}
