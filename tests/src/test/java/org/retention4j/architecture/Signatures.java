package org.retention4j.architecture;

import static org.retention4j.architecture.House.ROOT;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/** What others can see of classes: supertypes, members, type parameters; inherited members too. */
final class Signatures {
  private Signatures() {}

  /** A type that stands somewhere in a signature, with all that its own parameters name. */
  record Part(String where, JavaType type) {
    boolean shows(String packages) {
      return type.getAllInvolvedRawTypes().stream()
          .anyMatch(raw -> raw.getBaseComponentType().getName().contains(packages));
    }

    @Override
    public String toString() {
      return where + " shows " + type.getName();
    }
  }

  /** Returns whether others can name a class: it and all that it stands in are open. */
  static boolean isVisible(JavaClass type) {
    return isOpen(type.getModifiers())
        && type.getEnclosingClass().map(Signatures::isVisible).orElse(true);
  }

  private static boolean isOpen(Set<JavaModifier> modifiers) {
    return modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED);
  }

  /** Returns the parts of a visible class. */
  static List<Part> of(JavaClass type) {
    List<Part> parts = new ArrayList<>();
    add(parts, type.getName(), type.getTypeParameters());
    type.getSuperclass().ifPresent(parent -> parts.add(new Part(type.getName(), parent)));
    add(parts, type.getName(), type.getInterfaces());
    open(type.getAllFields()).forEach(f -> parts.add(new Part(f.getFullName(), f.getType())));
    open(type.getAllMethods()).forEach(method -> add(parts, method));
    open(type.getConstructors()).forEach(constructor -> add(parts, constructor));
    return parts;
  }

  /** A class that nobody sees hands its members down to one that is seen. */
  private static <M extends JavaMember> List<M> open(Collection<M> members) {
    return members.stream()
        .filter(member -> isOpen(member.getModifiers()))
        .filter(member -> member.getOwner().getName().startsWith(ROOT))
        .toList();
  }

  private static void add(List<Part> parts, JavaCodeUnit unit) {
    String where = unit.getFullName();
    parts.add(new Part(where, unit.getReturnType()));
    add(parts, where, unit.getParameterTypes());
    add(parts, where, unit.getTypeParameters());
    add(parts, where, unit.getExceptionTypes());
  }

  private static void add(List<Part> parts, String where, Collection<? extends JavaType> types) {
    types.forEach(type -> parts.add(new Part(where, type)));
  }
}
