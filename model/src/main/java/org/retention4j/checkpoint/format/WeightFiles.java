package org.retention4j.checkpoint.format;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.retention4j.args.Shown;

/**
 * The files of a model folder in which weights are, and what people have instead of them.
 *
 * @since 0.1
 */
public final class WeightFiles {
  /** The file that holds all weights, where one does. */
  public static final String SINGLE = "model.safetensors";

  /** The file that says which shard holds which tensor. */
  public static final String INDEX = "model.safetensors.index.json";

  private static final long LARGEST_INDEX = 100_000_000;

  /** Names of shards that libraries of the hub give. */
  private static final Pattern SHARD = Pattern.compile("model-\\d+-of-\\d+\\.safetensors");

  private static final String CONVERT = "; save them as safetensors where they were made: ";

  private static final String SAVE = "then save_pretrained(DIR, safe_serialization=True)";

  /** Ends of names, and what such files are. */
  private static final List<Map.Entry<Pattern, String>> KINDS =
      List.of(
          kind(".*\\.(incomplete|part|partial|crdownload|download|aria2|tmp)", "is not all here"),
          kind("adapter_model\\..*", "only changes the weights of another model"),
          kind(".*\\.safetensors", "is not named so; rename it if it holds the model's weights"),
          kind(
              ".*\\.(bin|pt|pth|ckpt|pkl)(\\.index\\.json)?",
              "holds PyTorch's own format"
                  + CONVERT
                  + "with transformers by from_pretrained(DIR), "
                  + SAVE
                  + ", without it by safetensors.torch.save_file"),
          kind(
              ".*\\.(h5|keras)",
              "holds weights of TensorFlow or Keras"
                  + CONVERT
                  + "with transformers by from_pretrained(DIR, from_tf=True), "
                  + SAVE),
          kind(
              ".*\\.msgpack",
              "holds weights of Flax"
                  + CONVERT
                  + "with transformers by from_pretrained(DIR, from_flax=True), "
                  + SAVE),
          kind(".*\\.(gguf|ggml)", "is llama.cpp's format; the original model is needed"),
          kind(".*\\.onnx", "is an ONNX model; the original model is needed"),
          kind(".*\\.(zip|tar|gz|tgz|xz|zst|bz2|7z)", "is packed; unpack it first"));

  /** Names under which libraries of the hub keep the same weights once more. */
  private static final Pattern OTHER_FORMAT =
      Pattern.compile(
          "(pytorch_model.*\\.bin|tf_model.*\\.h5|flax_model.*\\.msgpack)(\\.index\\.json)?"
              + "|.*\\.(gguf|ggml|onnx)");

  private WeightFiles() {}

  /** Returns whether a file beside a checkpoint holds the same weights in another format. */
  public static boolean isOtherFormat(String name) {
    return OTHER_FORMAT.matcher(name).matches();
  }

  private static Map.Entry<Pattern, String> kind(String name, String what) {
    return Map.entry(Pattern.compile(name, Pattern.CASE_INSENSITIVE), what);
  }

  private static Set<String> list(Path folder) {
    Set<String> names = new TreeSet<>();
    try (Stream<Path> files = Files.isDirectory(folder) ? Files.list(folder) : Stream.empty()) {
      files.forEach(file -> names.add(file.getFileName().toString()));
    } catch (IOException e) {
      throw new CheckpointException("cannot list " + folder + ": " + Shown.reason(e), e);
    } catch (UncheckedIOException e) {
      throw new CheckpointException("cannot list " + folder + ": " + Shown.reason(e.getCause()), e);
    }
    return names;
  }

  /**
   * Returns the names of files that would be taken for a part of a checkpoint that is written into
   * a folder: what its readers look for, its shards by their names, and those that its index names.
   */
  public static Set<String> names(Path folder) {
    Set<String> names = new TreeSet<>(Set.of(SINGLE, INDEX));
    list(folder).stream().filter(name -> SHARD.matcher(name).matches()).forEach(names::add);
    Path index = folder.resolve(INDEX);
    if (Files.isRegularFile(index)) {
      try {
        shards(index).keySet().stream()
            .filter(name -> name.endsWith(".safetensors"))
            .forEach(names::add);
      } catch (CheckpointException e) {
        // An index that cannot be read names nothing.
      }
    }
    return names;
  }

  /**
   * Returns the tensors that an index names, by shard.
   *
   * @throws CheckpointException if it cannot be read, or names what is no file beside it
   */
  public static Map<String, Set<String>> shards(Path index) {
    JsonNode map = Json.read(index, LARGEST_INDEX).path("weight_map");
    if (!map.isObject() || map.isEmpty()) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected an object weight_map with tensors in %s, got %s",
              index,
              map.isMissingNode() ? "none" : Json.shown(map)));
    }
    Map<String, Set<String>> byShard = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      String shard = shardName(index, entry.getKey(), entry.getValue());
      byShard.computeIfAbsent(shard, name -> new LinkedHashSet<>()).add(entry.getKey());
    }
    return byShard;
  }

  private static String shardName(Path index, String tensor, JsonNode value) {
    String name = value.isTextual() ? value.textValue() : "";
    if (!isPlain(index, name)) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected the name of a file inside the folder for tensor %s in %s, got %s",
              Shown.name(tensor),
              index,
              Json.shown(value)));
    }
    return name;
  }

  private static boolean isPlain(Path index, String name) {
    if (name.isEmpty() || name.equals(".") || name.equals("..")) {
      return false;
    }
    if (name.chars().anyMatch(c -> "/\\:\0".indexOf(c) >= 0)) {
      return false;
    }
    try {
      return name.equals(String.valueOf(index.resolveSibling(name).getFileName()));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  /** Returns the error for a folder without weights, which tells what is there instead. */
  public static CheckpointException missing(Path folder) {
    return new CheckpointException(
        String.format(
            Locale.ROOT, "expected %s or %s in %s, got %s", SINGLE, INDEX, folder, found(folder)));
  }

  private static String found(Path folder) {
    Set<String> names = list(folder);
    if (names.contains(SINGLE)) {
      return "one that is " + instead(folder.resolve(SINGLE));
    }
    if (names.contains(INDEX)) {
      return "an index that is " + instead(folder.resolve(INDEX));
    }
    List<String> shards = names.stream().filter(name -> SHARD.matcher(name).matches()).toList();
    if (!shards.isEmpty()) {
      String count = shards.get(0).replaceAll("model-\\d+-of-0*(\\d+)\\.safetensors", "$1");
      return String.format(
          Locale.ROOT,
          "%d of %s shards, without the index that says what is in them; fetch that too",
          shards.size(),
          count);
    }
    for (Map.Entry<Pattern, String> kind : KINDS) {
      for (String name : names) {
        if (kind.getKey().matcher(name).matches()) {
          return "neither; " + Shown.name(name) + " " + kind.getValue();
        }
      }
    }
    return "neither";
  }

  /** Returns what stands in the place of a file. */
  static String instead(Path path) {
    if (Files.isDirectory(path)) {
      return "a folder";
    }
    if (Files.isSymbolicLink(path) && !Files.exists(path)) {
      return "a link to a file that is not there; fetch that too";
    }
    return Files.exists(path) ? "a device or a pipe" : "none";
  }
}
