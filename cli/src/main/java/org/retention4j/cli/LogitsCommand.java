package org.retention4j.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.NpyFile;
import org.retention4j.checkpoint.format.NpyWriter;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.Forms;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.mixer.KvCacheOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Logits of given tokens, in a given form. */
@Command(
    name = "logits",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Computes the logits after every token, the whole sequence in one form.")
final class LogitsCommand implements Callable<Integer> {
  /** The forms of retention. */
  enum Form {
    PARALLEL,
    RECURRENT,
    CHUNKWISE;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Mixin private ModelOptions options;

  @Option(
      names = "--ids",
      paramLabel = "FILE.npy",
      required = true,
      description = "token ids, integers of shape (B,T); - for standard input")
  private Path ids;

  @Option(
      names = "--form",
      paramLabel = "FORM",
      defaultValue = "chunkwise",
      description = "parallel, recurrent or chunkwise (default: ${DEFAULT-VALUE})")
  private Form form;

  @Option(
      names = "--chunk",
      paramLabel = "N",
      description = "tokens of a chunk, at least 1 (default: the form's own)")
  private Integer chunk;

  @Option(
      names = "--bf16-products",
      description =
          "round both operands of prefill products to bf16 where weights are bf16 (no effect on a"
              + " processor without such products)")
  private boolean bfloat16Products;

  @Option(
      names = "--out",
      paramLabel = "FILE.npy",
      required = true,
      description = "receives the logits (B,T,vocabulary)")
  private Path out;

  @Option(names = "--force", description = "replace a file that is there already")
  private boolean force;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    SequenceForm taken = form();
    Checkpoint checkpoint = options.open(spec);
    if (!Effects.hasStates(checkpoint)) {
      Effects.none(spec, "no layer of this model is retention", "--form", "--chunk");
    }
    int[][] tokens = tokens(ids, checkpoint.config().vocabulary());
    int batch = tokens.length;
    int length = tokens[0].length;
    int vocabulary = checkpoint.config().vocabulary();
    SessionOptions how =
        SessionOptions.DEFAULT
            .withForm(taken)
            .withBfloat16Prefill(bfloat16Products)
            .withCache(KvCacheOptions.DEFAULT.withMaxTokens(Math.max(1, length)));
    boolean wide = options.type() == ElementType.FLOAT64;
    try (NpyWriter writer = writer(wide, batch, length, vocabulary);
        Engine engine = options.engine();
        LanguageModel model = options.load(checkpoint, engine);
        Session session = model.newSession(batch, how)) {
      options.sayProducts(spec, checkpoint, engine);
      session.append(
          tokens, (row, position, logits) -> writer.write((long) row * length + position, logits));
      writer.finish();
    } catch (CheckpointException e) {
      throw Texts.withForce(e);
    }
    return 0;
  }

  private NpyWriter writer(boolean wide, long... shape) {
    return force ? NpyWriter.replacing(out, wide, shape) : new NpyWriter(out, wide, shape);
  }

  private SequenceForm form() {
    if (chunk != null && form != Form.CHUNKWISE) {
      throw new IllegalArgumentException(
          "expected --chunk with --form chunkwise only, got it with " + form);
    }
    if (chunk != null && chunk < 1) {
      throw new IllegalArgumentException("expected --chunk >= 1, got " + chunk);
    }
    int tokens = chunk == null ? ChunkwiseForm.DEFAULT_CHUNK : chunk;
    return Forms.all(tokens).get(form.toString());
  }

  /** Refuses what is no token before the weights are loaded, which takes a while. */
  private static int[][] tokens(Path file, int vocabulary) {
    NpyFile npy = read(file);
    if (!npy.holdsIntegers() || npy.shape().length != 2 || npy.integers().length == 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected integers of shape (B,T) with B, T >= 1 in %s, got %s of shape %s",
              Inputs.name(file),
              npy.holdsIntegers() ? "integers" : "floats",
              Arrays.toString(npy.shape())));
    }
    long[] ids = npy.integers();
    int length = (int) npy.shape()[1];
    int[][] tokens = new int[(int) npy.shape()[0]][length];
    for (int i = 0; i < ids.length; i++) {
      long id = ids[i];
      if (id < 0 || id >= vocabulary) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected token ids in 0..%d in %s, got %d at [%d, %d]",
                vocabulary - 1,
                Inputs.name(file),
                id,
                i / length,
                i % length));
      }
      tokens[i / length][i % length] = (int) id;
    }
    return tokens;
  }

  private static NpyFile read(Path file) {
    try (InputStream in = Inputs.open(file, "a .npy file")) {
      return NpyFile.read(in, Inputs.name(file));
    } catch (IOException e) {
      throw Inputs.unreadable(file, e);
    }
  }
}
