package org.retention4j.checkpoint.format;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.retention4j.args.Shown;

/**
 * JSON files beside weights: strict, but for the NaN and Infinity that Python writes and a byte
 * order mark. What is wrong is told in words of the file: what stands in which line, by which key.
 *
 * @since 0.1
 */
public final class Json {
  private static final long LARGEST_CONFIGURATION = 10_000_000;

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
          .build();

  /** How Jackson says that a key stands twice in an object. */
  private static final Pattern TWICE = Pattern.compile("^Duplicate field '(.*)'", Pattern.DOTALL);

  /** How Jackson quotes what it cannot read. */
  private static final Pattern QUOTED =
      Pattern.compile(
          "^(?:Unexpected character|Unrecognized character escape|Unexpected close marker"
              + "|Unrecognized token) \\(?'(.+?)'[ :(]",
          Pattern.DOTALL);

  private Json() {}

  /** Reads a config.json, or a file beside it, of at most ten million bytes. */
  public static JsonNode configuration(Path file) {
    return read(file, LARGEST_CONFIGURATION);
  }

  /**
   * Reads a file.
   *
   * @param most the most bytes that it may have
   * @throws CheckpointException if it cannot be read or is no JSON
   */
  public static JsonNode read(Path file, long most) {
    byte[] bytes;
    try {
      if (Files.size(file) > most) {
        throw new CheckpointException(
            "expected at most " + most + " bytes in " + file + ", got more");
      }
      bytes = Files.readAllBytes(file);
    } catch (IOException e) {
      throw new CheckpointException("cannot read " + file + ": " + Shown.reason(e), e);
    }
    return parse(file.toString(), bytes);
  }

  /**
   * Reads what came from elsewhere.
   *
   * @param where it stands, for messages
   * @throws CheckpointException if it is no JSON
   */
  public static JsonNode parse(String where, byte[] bytes) {
    try {
      JsonNode json = MAPPER.readTree(text(where, bytes));
      if (json.isMissingNode()) {
        throw new CheckpointException(
            String.format(
                Locale.ROOT,
                "expected JSON in %s, got %s",
                where,
                bytes.length == 0 ? "an empty file" : "nothing but white space"));
      }
      return json;
    } catch (JsonProcessingException e) {
      throw new CheckpointException(
          "expected JSON in " + where + ", got " + FileKind.of(bytes).orElseGet(() -> wrong(e)), e);
    }
  }

  private static String text(String where, byte[] bytes) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return text.startsWith("\uFEFF") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      String got = FileKind.of(bytes).orElse("other bytes");
      throw new CheckpointException("expected JSON in UTF-8 in " + where + ", got " + got, e);
    }
  }

  /** Returns JSON as it is read here, on several lines. */
  public static String text(JsonNode json) {
    try {
      return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Returns a value as messages show it. */
  public static String shown(JsonNode value) {
    if (value == null) {
      return "none";
    }
    return Shown.name(value.isFloatingPointNumber() ? value.asText() : value.toString());
  }

  /** Returns what came instead of JSON, and where; nothing of how a parser could be set. */
  static String wrong(JsonProcessingException e) {
    StringBuilder wrong = new StringBuilder(what(e));
    JsonLocation at = e.getLocation();
    if (at != null) {
      wrong.append(" in line ").append(at.getLineNr()).append(", column ");
      wrong.append(at.getColumnNr());
    }
    if (e.getProcessor() instanceof JsonParser parser && !isTwice(e)) {
      String key = parser.getParsingContext().getCurrentName();
      wrong.append(key == null ? "" : ", by the key " + Shown.name(key));
    }
    return wrong.toString();
  }

  private static boolean isTwice(JsonProcessingException e) {
    return TWICE.matcher(e.getOriginalMessage()).find();
  }

  private static String what(JsonProcessingException e) {
    String message = e.getOriginalMessage();
    Matcher twice = TWICE.matcher(message);
    if (twice.find()) {
      return "the key " + Shown.name(twice.group(1)) + " twice";
    }
    if (e instanceof MismatchedInputException) {
      return "something behind the end of the JSON";
    }
    if (e instanceof JsonEOFException) {
      return "an end that comes too early,";
    }
    if (e instanceof StreamConstraintsException) {
      return "lists in lists too deep, or a number or a text too long,";
    }
    if (message.startsWith("Illegal unquoted character")) {
      return "a line's end, a tab or the like within a text,";
    }
    Matcher quoted = QUOTED.matcher(message);
    return quoted.find() ? "'" + Shown.name(quoted.group(1)) + "'" : "something else";
  }

  /** Returns what a token of JSON is, in words. */
  public static String token(JsonToken token) {
    return switch (token) {
      case START_OBJECT -> "an object";
      case START_ARRAY -> "a list";
      case VALUE_STRING -> "a text";
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "a number";
      default -> token.asString();
    };
  }
}
