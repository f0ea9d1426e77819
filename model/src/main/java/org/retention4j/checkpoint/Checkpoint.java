package org.retention4j.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;
import org.retention4j.args.Args;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.Json;
import org.retention4j.checkpoint.format.PendingFolder;
import org.retention4j.checkpoint.internal.family.ConfigKeys;
import org.retention4j.checkpoint.internal.family.ExpectedTensor;
import org.retention4j.checkpoint.internal.family.Family;
import org.retention4j.checkpoint.internal.family.TextKeys;
import org.retention4j.checkpoint.internal.family.UnknownKeys;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.estimate.MemoryEstimate;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.text.Tokenizer;
import org.retention4j.text.Tokenizers;

/**
 * A model folder as the Hugging Face hub lays it out: config.json, model.safetensors or shards.
 * Reading one never writes to it.
 *
 * @since 0.1
 */
public final class Checkpoint {
  static final String CONFIG = "config.json";

  /** How many numbers are compared at once. */
  private static final int COMPARED = 1 << 14;

  private final Path folder;
  private final ConfigKeys keys;
  private final JsonNode json;
  private final Family family;
  private final DecoderConfig config;

  private final Map<String, JsonNode> unknown;

  private Checkpoint(Path folder, JsonNode json, LoadOptions options) {
    this.folder = folder;
    this.json = json;
    keys = new ConfigKeys(folder.resolve(CONFIG).toString(), json);
    family = Family.of(keys);
    config = config(family, keys, options);
    unknown = UnknownKeys.of(family, keys);
    beginToken();
    endTokens();
  }

  /** Returns the shape that a configuration describes. */
  static DecoderConfig config(ConfigKeys keys, LoadOptions options) {
    return config(Family.of(keys), keys, options);
  }

  private static DecoderConfig config(Family family, ConfigKeys keys, LoadOptions options) {
    try {
      DecoderConfig config = family.config(keys);
      if (!options.ignoreUnknown()) {
        UnknownKeys.requireNone(keys.where(), UnknownKeys.of(family, keys));
      }
      return config;
    } catch (CheckpointException e) {
      throw e;
    } catch (ArithmeticException e) {
      throw new CheckpointException(keys.where() + " has sizes that are too large", e);
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(keys.where() + ": " + e.getMessage(), e);
    }
  }

  /**
   * Reads a folder's configuration.
   *
   * @throws CheckpointException if it is missing, no JSON, of another model type, describes what is
   *     not built, or has unknown keys whose names say that they may change the mathematics
   */
  public static Checkpoint open(Path folder) {
    return open(folder, LoadOptions.DEFAULT);
  }

  /**
   * Reads a folder's configuration.
   *
   * @param options of which {@link LoadOptions#ignoreUnknown} is looked at; weights are loaded by
   *     those of {@link #load}
   * @throws CheckpointException as {@link #open(Path)} does, but for such unknown keys where they
   *     are ignored
   */
  public static Checkpoint open(Path folder, LoadOptions options) {
    if (folder == null) {
      throw new IllegalArgumentException("expected a model folder, got null");
    }
    Args.present("options", options);
    Path file = folder.resolve(CONFIG);
    if (!Files.isDirectory(folder)) {
      throw new CheckpointException("expected a model folder, got " + folder);
    }
    if (!Files.isRegularFile(file)) {
      String killed =
          PendingFolder.aside(folder, CONFIG)
              .map(old -> "; a program that was replacing it was killed, and left " + old)
              .orElse("");
      throw new CheckpointException("expected a config.json in " + folder + ", got none" + killed);
    }
    return new Checkpoint(folder, Json.configuration(file), options);
  }

  /**
   * Reads a configuration that stands alone.
   *
   * @throws CheckpointException as {@link #open(Path)} does
   */
  public static DecoderConfig readConfig(Path file) {
    Args.present("a configuration's file", file);
    return config(new ConfigKeys(file.toString(), Json.configuration(file)), LoadOptions.DEFAULT);
  }

  /** Returns the folder. */
  public Path folder() {
    return folder;
  }

  /** Returns the shape of the model. */
  public DecoderConfig config() {
    return config;
  }

  /** Returns "fla" or "torchscale". */
  public String family() {
    return family.name();
  }

  /** Returns the kinds of mixers that the family describes. */
  public List<String> mixers() {
    return family.mixers();
  }

  /** Returns how far the whole model, logits and states, may be from float64. */
  public double bound(ElementType type) {
    return family.bound(type);
  }

  /**
   * Returns the keys of config.json that are neither read nor known to say nothing of the
   * mathematics, with their values.
   */
  public Map<String, JsonNode> unknownKeys() {
    return Collections.unmodifiableMap(unknown);
  }

  /** Returns config.json as it stands in the folder. */
  public JsonNode json() {
    return json.deepCopy();
  }

  /**
   * Returns the tokenizer of the folder, which the caller closes; see {@link Tokenizers#forFolder}.
   *
   * @throws IllegalArgumentException if the folder holds one that is not read
   */
  public Tokenizer tokenizer() {
    return Tokenizers.forFolder(folder, config.vocabulary());
  }

  /**
   * Returns the token that begins a text: that of generation_config.json, else of config.json, else
   * 1, fla's default.
   *
   * @throws CheckpointException if what stands there is no token, or several
   */
  public OptionalInt beginToken() {
    Set<Integer> tokens = textKeys().tokens("bos_token_id", 1);
    if (tokens.size() > 1) {
      throw new CheckpointException(
          "expected one token as bos_token_id in " + folder + ", got " + tokens);
    }
    return tokens.stream().mapToInt(Integer::intValue).findFirst();
  }

  /**
   * Returns the tokens that end a text: those of generation_config.json, else of config.json, else
   * 2, fla's default; none at null. Numbers outside the vocabulary, which never come, are left out.
   *
   * @throws CheckpointException if what stands there is no token or list of tokens
   */
  public Set<Integer> endTokens() {
    return textKeys().tokens("eos_token_id", 2);
  }

  /**
   * Returns what generation_config.json asks for that is not done here, key and value: how Hugging
   * Face would draw tokens, penalties, limits, and end tokens that are none.
   *
   * @throws CheckpointException if that file is no JSON object
   */
  public List<String> generationRemarks() {
    return textKeys().remarks();
  }

  private TextKeys textKeys() {
    boolean namesByDefault = family.name().equals("fla");
    return new TextKeys(folder, keys, json, namesByDefault, config.vocabulary());
  }

  /**
   * Loads the weights.
   *
   * @param engine computes with them; it stays the caller's
   * @throws IllegalArgumentException if engine or options are null
   * @throws CheckpointException if a tensor is missing, extra or misshapen, naming it
   * @throws CancellationException if the thread is interrupted, before the next tensor; nothing
   *     stays loaded, the interrupt status is kept
   */
  public LanguageModel load(Engine engine, LoadOptions options) {
    if (engine == null || options == null) {
      throw new IllegalArgumentException(
          "expected an engine and options, got " + engine + " and " + options);
    }
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("interrupted before " + folder + " was loaded");
    }
    try (CheckpointFiles files = CheckpointFiles.open(folder)) {
      requireTensors(files);
      return CheckpointParts.read(engine, files, options, reader -> family.load(config, reader));
    }
  }

  /**
   * Returns how many bytes of weights {@link #load} would hold, within about 1 %, without loading.
   *
   * @param engine FLOAT32 or FLOAT64, the type that an engine computes in
   * @throws CheckpointException if a tensor is missing, extra or misshapen, naming it
   */
  public long weightBytes(WeightChoice weights, ElementType engine) {
    try (CheckpointFiles files = CheckpointFiles.open(folder)) {
      requireTensors(files);
      MemoryEstimate estimate = new MemoryEstimate(engine);
      return expected(files).stream()
          .mapToLong(tensor -> bytes(tensor, files.info(tensor.name()).dtype(), weights, estimate))
          .sum();
    }
  }

  /** Returns the bytes of what becomes of a tensor of a type in its file. */
  private static long bytes(
      ExpectedTensor tensor, DType file, WeightChoice choice, MemoryEstimate estimate) {
    WeightType table = choice.table(file, estimate.type());
    long rows = tensor.rows();
    long columns = tensor.parts() > 0 ? tensor.columns() : 0;
    return switch (tensor.use()) {
      case NORM, BIAS -> 0;
      case MATRIX -> {
        WeightType type = choice.matrix(file, estimate.type());
        yield tensor.parts() * estimate.matrix(type, rows / tensor.parts(), columns);
      }
      case OUTPUT -> estimate.matrix(table, rows, columns);
      case TABLE -> estimate.table(table, rows, columns);
      case TIED_TABLE ->
          estimate.table(table, rows, columns) + estimate.matrix(table, rows, columns);
    };
  }

  /**
   * Opens the model to be read part by part; the caller closes it.
   *
   * @throws CheckpointException if a tensor is missing, extra or misshapen, naming it
   */
  public CheckpointParts parts() {
    CheckpointFiles files = CheckpointFiles.open(folder);
    boolean fits = false;
    try {
      requireTensors(files);
      fits = true;
      return new CheckpointParts(config, family, files);
    } finally {
      if (!fits) {
        files.close();
      }
    }
  }

  /** Returns the tensors that the configuration asks for. */
  List<ExpectedTensor> expected(CheckpointFiles files) {
    return family.tensors(config, files.present());
  }

  /**
   * Checks that files hold the tensors that the configuration asks for, and no others.
   *
   * @throws CheckpointException if one is missing, misshapen or extra, naming it
   */
  void requireTensors(CheckpointFiles files) {
    Set<String> extra = new TreeSet<>(files.names());
    for (ExpectedTensor tensor : expected(files)) {
      files.require(tensor.name(), tensor.shape());
      extra.remove(tensor.name());
    }
    extra.removeIf(name -> family.ignores(name, config));
    if (!extra.isEmpty()) {
      String some = extra.stream().limit(5).map(Shown::name).collect(Collectors.joining(", "));
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected only tensors that %s describes, got %d others: %s",
              keys.where(),
              extra.size(),
              some));
    }
    for (String copy : family.copiesOfEmbedding(config, files.present())) {
      requireCopy(files, copy, family.embeddingName(files));
    }
  }

  private void requireCopy(CheckpointFiles files, String copy, String embedding) {
    long rows = config.vocabulary();
    long columns = config.modelWidth();
    files.require(copy, List.of(rows, columns));
    double[] expected = new double[COMPARED];
    double[] got = new double[COMPARED];
    for (long begin = 0; begin < rows * columns; begin += COMPARED) {
      int count = (int) Math.min(COMPARED, rows * columns - begin);
      files.read(embedding, begin, count, expected);
      files.read(copy, begin, count, got);
      int at = Arrays.mismatch(expected, 0, count, got, 0, count);
      if (at >= 0) {
        throw new CheckpointException(
            String.format(
                Locale.ROOT,
                "expected %s to be %s once more, or not there, for %s ties them, got %s and %s at"
                    + " [%d,%d] in %s",
                copy,
                embedding,
                keys.where(),
                got[at],
                expected[at],
                (begin + at) / columns,
                (begin + at) % columns,
                folder));
      }
    }
  }
}
