package org.retention4j.checkpoint.format;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.retention4j.args.Shown;

/**
 * The header of a safetensors file, checked against the length of the data.
 *
 * @param tensors by name, in the order of their data
 * @param metadata what stands under __metadata__
 */
record SafetensorsHeader(Map<String, TensorInfo> tensors, Map<String, String> metadata) {
  private static final String METADATA = "__metadata__";
  private static final int MOST_DIMENSIONS = 64;

  /** Names are not kept in a table that outlives the header. */
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .disable(JsonFactory.Feature.USE_THREAD_LOCAL_FOR_BUFFER_RECYCLING)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(8)
                  .maxNumberLength(32)
                  .maxStringLength((int) SafetensorsFile.LONGEST_HEADER)
                  .maxNameLength((int) SafetensorsFile.LONGEST_HEADER)
                  .build())
          .build();

  /**
   * Parses a header.
   *
   * @param json the header's bytes
   * @param dataBytes the bytes behind it in the file
   * @throws CheckpointException for the first rule it breaks
   */
  static SafetensorsHeader parse(Path path, byte[] json, long dataBytes) {
    if (json.length == 0 || json[0] != '{') {
      throw bad(path, "to begin with {", json.length == 0 ? "nothing" : shown(json[0]));
    }
    CharBuffer text = decoded(path, json);
    try (JsonParser parser = parser(text)) {
      Parsing parsing = new Parsing(path, parser);
      parsing.header();
      requireSpaces(path, text, (int) parser.currentLocation().getCharOffset());
      return new SafetensorsHeader(
          contiguous(path, parsing.tensors, dataBytes),
          Collections.unmodifiableMap(parsing.metadata));
    } catch (JsonProcessingException e) {
      throw new CheckpointException(
          "expected JSON in the header of " + path + ", got " + Json.wrong(e), e);
    } catch (IOException e) {
      throw new CheckpointException("cannot read the header of " + path, e);
    }
  }

  private static JsonParser parser(CharBuffer text) throws IOException {
    return JSON.createParser(text.array(), text.arrayOffset(), text.length());
  }

  /** The format is padded with spaces only. */
  private static void requireSpaces(Path path, CharBuffer text, int end) {
    for (int i = end; i < text.length(); i++) {
      if (text.get(i) != ' ') {
        throw behind(path, shown(text.get(i)));
      }
    }
  }

  private static CheckpointException behind(Path path, String what) {
    return bad(
        path, "to end with its object and spaces", what + " behind it; its length may be wrong");
  }

  private static String shown(int c) {
    return c >= ' ' && c < 127
        ? "'" + (char) c + "'"
        : String.format(Locale.ROOT, "character 0x%02x", c & 0xff);
  }

  private static CharBuffer decoded(Path path, byte[] json) {
    ByteBuffer bytes = ByteBuffer.wrap(json);
    CharBuffer text = CharBuffer.allocate(json.length);
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    CoderResult result = decoder.decode(bytes, text, true);
    text.flip();
    if (!result.isError()) {
      return text;
    }
    if (isWhole(text)) {
      // The data, read as a part of the header.
      throw behind(path, shown(bytes.get(bytes.position())));
    }
    throw new CheckpointException(
        String.format(
            Locale.ROOT,
            "expected UTF-8 in the header of %s, got other bytes from byte %d on",
            path,
            bytes.position()));
  }

  /** Returns whether a text begins with a whole object. */
  private static boolean isWhole(CharBuffer text) {
    try (JsonParser parser = parser(text)) {
      parser.nextToken();
      parser.skipChildren();
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static CheckpointException bad(Path path, String expected, String got) {
    return new CheckpointException(
        String.format(
            Locale.ROOT, "expected the header of %s %s, got %s", path, expected, Shown.name(got)));
  }

  /** Returns the tensors in the order of their data, which they cover without holes or overlaps. */
  private static Map<String, TensorInfo> contiguous(
      Path path, List<TensorInfo> tensors, long dataBytes) {
    List<TensorInfo> sorted = new ArrayList<>(tensors);
    sorted.sort(Comparator.comparingLong(TensorInfo::begin).thenComparingLong(TensorInfo::end));
    requireOwnPlaces(path, sorted);
    Map<String, TensorInfo> byName = new LinkedHashMap<>();
    long at = 0;
    for (TensorInfo tensor : sorted) {
      if (tensor.begin() != at) {
        throw new CheckpointException(
            String.format(
                Locale.ROOT,
                "expected tensor %s of %s to begin at byte %d, got %d: tensors %s",
                Shown.name(tensor.name()),
                path,
                at,
                tensor.begin(),
                tensor.begin() < at ? "overlap" : "leave a hole"));
      }
      at = tensor.end();
      byName.put(tensor.name(), tensor);
    }
    if (at != dataBytes) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected %d bytes of tensors in %s, got %d: the file is %s",
              at,
              path,
              dataBytes,
              at > dataBytes
                  ? "truncated, " + (at - dataBytes) + " bytes are missing; fetch it again"
                  : "too long by " + (dataBytes - at) + " bytes"));
    }
    return Collections.unmodifiableMap(byName);
  }

  private static void requireOwnPlaces(Path path, List<TensorInfo> sorted) {
    for (int i = 1; i < sorted.size(); i++) {
      TensorInfo first = sorted.get(i - 1);
      TensorInfo second = sorted.get(i);
      boolean same = first.begin() == second.begin() && first.end() == second.end();
      if (same && first.begin() < first.end()) {
        throw new CheckpointException(
            String.format(
                Locale.ROOT,
                "expected a place of its own for each tensor of %s, got [%d, %d] for both %s and %s",
                path,
                first.begin(),
                first.end(),
                Shown.name(first.name()),
                Shown.name(second.name())));
      }
    }
  }

  /** A walk through the JSON. */
  private static final class Parsing {
    private final Path path;
    private final JsonParser parser;
    private final List<TensorInfo> tensors = new ArrayList<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    Parsing(Path path, JsonParser parser) {
      this.path = path;
      this.parser = parser;
    }

    void header() throws IOException {
      parser.nextToken(); // The object that begins with {.
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        if (name.equals(METADATA)) {
          metadata();
        } else {
          tensor(name);
        }
      }
    }

    private void expect(JsonToken token, JsonToken expected, String what) {
      if (token != expected) {
        throw bad(path, "to have " + what, Json.token(token));
      }
    }

    private void metadata() throws IOException {
      expect(parser.nextToken(), JsonToken.START_OBJECT, "an object under " + METADATA);
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        expect(parser.nextToken(), JsonToken.VALUE_STRING, "texts under " + METADATA);
        metadata.put(key, parser.getText());
      }
    }

    private void tensor(String name) throws IOException {
      expect(
          parser.nextToken(), JsonToken.START_OBJECT, "an object for tensor " + Shown.name(name));
      DType dtype = null;
      List<Long> shape = null;
      List<Long> offsets = null;
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String key = parser.currentName();
        switch (key) {
          case "dtype" -> dtype = dtype(name);
          case "shape" -> shape = numbers(name, key);
          case "data_offsets" -> offsets = numbers(name, key);
          default ->
              throw bad(
                  path,
                  "to have dtype, shape and data_offsets for tensor " + Shown.name(name),
                  key);
        }
      }
      if (dtype == null || shape == null || offsets == null || offsets.size() != 2) {
        throw bad(
            path,
            "to have dtype, shape and two data_offsets for tensor " + Shown.name(name),
            "dtype " + dtype + ", shape " + shape + ", data_offsets " + offsets);
      }
      tensors.add(checked(name, dtype, shape, offsets.get(0), offsets.get(1)));
    }

    private DType dtype(String name) throws IOException {
      expect(
          parser.nextToken(),
          JsonToken.VALUE_STRING,
          "a text as dtype of tensor " + Shown.name(name));
      String text = parser.getText();
      for (DType dtype : DType.values()) {
        if (dtype.name().equals(text)) {
          return dtype;
        }
      }
      throw bad(
          path,
          "to have a dtype of " + List.of(DType.values()) + " for tensor " + Shown.name(name),
          text);
    }

    private List<Long> numbers(String name, String key) throws IOException {
      expect(
          parser.nextToken(),
          JsonToken.START_ARRAY,
          "a list as " + key + " of " + Shown.name(name));
      List<Long> numbers = new ArrayList<>(4);
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        boolean whole = parser.currentToken() == JsonToken.VALUE_NUMBER_INT;
        boolean fits = whole && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
        if (!fits || parser.getLongValue() < 0) {
          throw bad(
              path,
              "to have integers in 0..2^63-1 as " + key + " of " + Shown.name(name),
              parser.getText());
        }
        if (numbers.size() == MOST_DIMENSIONS) {
          throw bad(
              path, "to have at most 64 numbers as " + key + " of " + Shown.name(name), "more");
        }
        numbers.add(parser.getLongValue());
      }
      return numbers;
    }

    private TensorInfo checked(String name, DType dtype, List<Long> shape, long begin, long end) {
      if (begin > end) {
        throw new CheckpointException(
            String.format(
                Locale.ROOT,
                "expected data_offsets of which the second is not the smaller for tensor %s of %s,"
                    + " got [%d, %d]",
                Shown.name(name),
                path,
                begin,
                end));
      }
      long bytes = bytes(name, dtype, shape);
      if (bytes != end - begin) {
        throw new CheckpointException(
            String.format(
                Locale.ROOT,
                "expected %d bytes for tensor %s of %s, %s%s, got data_offsets [%d, %d]",
                bytes,
                Shown.name(name),
                path,
                dtype,
                shape,
                begin,
                end));
      }
      return new TensorInfo(name, dtype, shape, begin, end);
    }

    private long bytes(String name, DType dtype, List<Long> shape) {
      long bytes = dtype.bytes();
      try {
        for (long n : shape) {
          bytes = Math.multiplyExact(bytes, n);
        }
      } catch (ArithmeticException e) {
        throw new CheckpointException(
            String.format(
                Locale.ROOT,
                "expected a shape of less than 2^63 bytes for tensor %s of %s, got %s",
                Shown.name(name),
                path,
                shape),
            e);
      }
      return bytes;
    }
  }
}
