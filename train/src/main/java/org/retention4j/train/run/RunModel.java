package org.retention4j.train.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.CheckpointWriter;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.checkpoint.TensorWriter;
import org.retention4j.checkpoint.WeightChoice;
import org.retention4j.checkpoint.WriteOptions;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.SafetensorsFile;
import org.retention4j.checkpoint.format.TensorInfo;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.text.ByteTokenizer;
import org.retention4j.text.JsonTokenizer;
import org.retention4j.text.Tokenizer;
import org.retention4j.text.Tokenizers;
import org.retention4j.train.TrainerOptions;
import org.retention4j.train.optimizer.OptimizerOptions;
import org.retention4j.train.tensor.TrainedTensor;

/**
 * What a run begins with: a shape or a model folder, and its tokenizer; and how it is written.
 *
 * @param config the shape
 * @param folder where the weights are; empty for random ones
 * @param tokenizer the tokenizer.json; empty for bytes
 */
record RunModel(DecoderConfig config, Optional<Path> folder, Optional<Path> tokenizer) {
  private static final String TOKENIZER = "tokenizer.json";
  private static final String OPTIMIZER = "optimizer.safetensors";

  /**
   * Finds it.
   *
   * @param last the last checkpoint of a run that goes on
   * @throws IllegalArgumentException if there is nothing to begin with, or another shape is asked
   *     for than the run's
   */
  static RunModel of(Optional<Path> last, RunStart start, RunFiles files) {
    Optional<Path> folder = last.or(start::from);
    if (folder.isEmpty() && start.shape().isEmpty()) {
      throw new IllegalArgumentException(
          "expected a shape or a model to begin with, got none, and no run in " + files.out());
    }
    DecoderConfig config =
        folder.map(path -> Checkpoint.open(path).config()).or(start::shape).orElseThrow();
    if (last.isPresent() && !start.shape().orElse(config).equals(config)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected the shape of the run in %s, %,d parameters, got another, of %,d; another"
                  + " run needs another folder",
              files.out(),
              config.parameters(),
              start.shape().orElseThrow().parameters()));
    }
    Optional<Path> own =
        folder.filter(path -> !Tokenizers.areBytes(path)).map(path -> path.resolve(TOKENIZER));
    return new RunModel(config, folder, files.tokenizer().or(() -> own));
  }

  /** Opens the tokenizer, which is the caller's to close. */
  Tokenizer openTokenizer() {
    int vocabulary = config.vocabulary();
    return tokenizer
        .<Tokenizer>map(file -> JsonTokenizer.open(file, vocabulary))
        .orElseGet(() -> new ByteTokenizer(vocabulary));
  }

  /** Loads the weights, or draws them; the model is the caller's to close. */
  LanguageModel load(Engine engine, long seed) {
    if (folder.isEmpty()) {
      return InitialModel.of(engine, config, seed);
    }
    boolean exact = engine.type() == ElementType.FLOAT64;
    LoadOptions options =
        LoadOptions.DEFAULT.withWeights(exact ? WeightChoice.FILE : WeightChoice.FLOAT32);
    return Checkpoint.open(folder.get()).load(engine, options.withCheckFinite(true));
  }

  /** Returns all that the weights after a step depend on, beside the text. */
  ObjectNode identity(RunOptions options, Engine engine) {
    TrainerOptions trainer = options.trainer();
    BatchShape batch = options.batch();
    RateCurve curve = options.curve();
    ObjectNode json = new ObjectMapper().createObjectNode();
    json.put("rows", batch.rows());
    json.put("length", batch.length());
    json.put("micro_batches", trainer.microBatches());
    json.put("documents", batch.packed().map(Enum::name).orElse("streams"));
    json.put("fresh_share", batch.freshShare());
    json.put("seed", options.seed());
    json.put("rate", trainer.rate());
    json.put("schedule", curve.kind().name().toLowerCase(Locale.ROOT));
    json.put("warm_up", curve.warmUp().isPresent() ? "" + curve.warmUp().getAsLong() : "auto");
    json.put("decay_share", curve.decayShare());
    json.put("last_factor", curve.last());
    if (curve.needsLength()) {
      var steps = options.limit().mostSteps(options.tokensPerStep());
      json.put("steps", steps.isPresent() ? "" + steps.getAsLong() : "by time");
    }
    describe(trainer.optimizer(), json);
    json.put("clip_norm", Double.toString(trainer.clipNorm()));
    json.put("form", trainer.form().toString());
    // Kernels agree to rounding, not to the bit.
    json.put("compute", engine.type().name().toLowerCase(Locale.ROOT));
    json.put("kernels", engine.kernelsName());
    if (trainer.bf16Products() && engine.multipliesBfloat16()) {
      json.put("bf16_products", true);
    }
    json.put("held_out", options.files().validation().isPresent() ? "a text" : heldOut(options));
    json.put("tokenizer", tokenizer.map(RunModel::sha256).orElse("bytes"));
    return json;
  }

  /** Runs by AdamW say what they said before there was another optimizer. */
  private static void describe(OptimizerOptions optimizer, ObjectNode json) {
    if (optimizer.kind() != OptimizerOptions.Kind.ADAMW) {
      json.put("optimizer", optimizer.kind().name().toLowerCase(Locale.ROOT));
      json.put("momentum", optimizer.momentum());
    }
    json.put("beta1", optimizer.beta1());
    json.put("beta2", optimizer.beta2());
    json.put("epsilon", optimizer.epsilon());
    json.put("weight_decay", optimizer.weightDecay());
    json.put("clip_updates", optimizer.clipUpdates());
    json.put("decay_embedding", optimizer.decayEmbedding());
  }

  private static String heldOut(RunOptions options) {
    return Double.toString(options.files().heldOutShare());
  }

  private static String sha256(Path file) {
    try {
      byte[] bytes = Files.readAllBytes(file);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot read " + file + ": " + Shown.reason(e), e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Writes weights and tokenizer into a folder, in place of what is there. */
  void write(LanguageModel model, Path into, DType dtype, RunFolder run) {
    tokenizer.ifPresent(file -> run.copy(file, into.resolve(TOKENIZER)));
    CheckpointWriter.write(
        model,
        into,
        WriteOptions.DEFAULT.withDType(dtype).withShardBytes(Long.MAX_VALUE).withReplace(true));
  }

  /** Writes what else a trainer needs to go on. */
  static void writeProgress(List<TrainedTensor> progress, Path into, DType dtype) {
    List<TensorWriter.Rows> tensors =
        progress.stream()
            .map(t -> new TensorWriter.Rows(t.name(), t.rows(), t.columns(), t::read))
            .toList();
    TensorWriter.write(into.resolve(OPTIMIZER), dtype, tensors);
  }

  /**
   * Gives a trainer back what was written.
   *
   * @throws CheckpointException if a tensor is missing or of another shape
   */
  static void readProgress(List<TrainedTensor> progress, Path from) {
    try (SafetensorsFile file = SafetensorsFile.open(from.resolve(OPTIMIZER))) {
      for (TrainedTensor tensor : progress) {
        TensorInfo info = file.tensors().get(tensor.name());
        List<Long> shape = List.of((long) tensor.rows(), (long) tensor.columns());
        if (info == null || !info.shape().equals(shape)) {
          throw new CheckpointException(
              String.format(
                  Locale.ROOT,
                  "expected a tensor %s of %s in %s, got %s",
                  tensor.name(),
                  shape,
                  file.path(),
                  info == null ? "none" : info.shape()));
        }
        double[] row = new double[tensor.columns()];
        for (int i = 0; i < tensor.rows(); i++) {
          file.read(info, (long) i * row.length, row.length, row);
          tensor.write(i, row);
        }
      }
    }
  }
}
