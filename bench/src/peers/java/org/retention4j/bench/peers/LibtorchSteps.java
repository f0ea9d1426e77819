package org.retention4j.bench.peers;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** Steps of libtorch, eager, with autograd, AdamW and clipping. */
final class LibtorchSteps {
  private LibtorchSteps() {}

  /**
   * Runs steps and prints losses and seconds.
   *
   * @param args a case, the file of the weights, threads
   */
  public static void main(String[] args) throws IOException {
    PeerCase of = PeerCase.ALL.get(args[0]);
    torch.set_num_threads(Integer.parseInt(args[2]));
    Map<String, Tensor> weights = read(Path.of(args[1]));
    TensorVector parameters = new TensorVector();
    weights.values().forEach(parameters::push_back);
    AdamWOptions options = new AdamWOptions(1e-3);
    // A tuple of libstdc++ lies in memory with its last element first.
    options.betas().put(0.95, 0.9);
    options.eps().put(1e-8);
    options.weight_decay().put(0);
    AdamW optimizer = new AdamW(parameters, options);
    LibtorchRetNet model = new LibtorchRetNet(of, weights);
    long[] tokens = new long[of.rows() * of.tokens()];
    long[] targets = new long[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = of.token(i / of.tokens(), i % of.tokens());
      targets[i] = of.token(i / of.tokens(), i % of.tokens() + 1);
    }
    Tensor in = Tensor.create(tokens, of.rows(), of.tokens());
    Tensor out = Tensor.create(targets, tokens.length);
    StepTimes.print(
        () -> {
          try (PointerScope scope = new PointerScope()) {
            optimizer.zero_grad();
            Tensor loss = model.loss(in, out);
            loss.backward();
            torch.clip_grad_norm_(parameters, 1.0);
            optimizer.step();
            return loss.item_float();
          }
        });
  }

  private static Map<String, Tensor> read(Path file) throws IOException {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    try (DataInputStream in =
        new DataInputStream(new java.io.BufferedInputStream(Files.newInputStream(file)))) {
      int count = in.readInt();
      for (int i = 0; i < count; i++) {
        String name = in.readUTF();
        int rows = in.readInt();
        int columns = in.readInt();
        float[] all = new float[rows * columns];
        for (int j = 0; j < all.length; j++) {
          all[j] = in.readFloat();
        }
        // A vector is one row.
        Tensor weight =
            rows == 1 ? Tensor.create(all, columns) : Tensor.create(all, rows, columns);
        weights.put(name, weight.set_requires_grad(true));
      }
    }
    return weights;
  }
}
