package org.retention4j.forms;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.MultiScaleRetention;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.RetentionState;
import org.retention4j.core.RetentionWeights;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.BlockCall;
import org.retention4j.testkit.BlockResult;
import org.retention4j.testkit.RetentionBlockContract;

/** The block contract on every form, engine, provider and weight type. */
@ParameterizedClass
@MethodSource("variants")
class BlocksContractTest implements RetentionBlockContract {
  private static final Map<Object, RetentionWeights> PACKED = new ConcurrentHashMap<>();

  private final Variant variant;
  private final WeightType weightType;

  BlocksContractTest(Variant variant, WeightType weightType) {
    this.variant = variant;
    this.weightType = weightType;
  }

  static List<Object[]> variants() {
    List<Object[]> variants = new ArrayList<>();
    for (Engine engine : Variant.engines()) {
      for (RetentionForm form :
          List.of(new RecurrentForm(), new ParallelForm(), new ChunkwiseForm(7))) {
        boolean float64 = engine.type() == ElementType.FLOAT64;
        variants.add(
            new Object[] {
              new Variant(engine, form), float64 ? WeightType.FLOAT64 : WeightType.FLOAT32
            });
        variants.add(new Object[] {new Variant(engine, form), WeightType.BFLOAT16});
      }
    }
    return variants;
  }

  @Override
  public DataType dataType() {
    return variant.dataType();
  }

  @Override
  public BlockResult forward(BlockCall call) {
    RetentionConfig config = call.config();
    MultiScaleRetention block =
        new MultiScaleRetention(variant.engine(), packed(config, call.parameters()));
    try (RetentionState state = state(call)) {
      INDArray y = block.forward(variant.form(), call.input(), state);
      return new BlockResult(y, state.toArray());
    }
  }

  private RetentionState state(BlockCall call) {
    RetentionConfig config = call.config();
    boolean begins = Arrays.stream(call.positions()).allMatch(p -> p == 0);
    if (begins && Nd4j.zerosLike(call.state()).equals(call.state())) {
      return RetentionState.zeros(variant.engine(), config, call.batch());
    }
    return RetentionState.of(
        variant.engine(), call.state(), call.positions(), config.stateConvention());
  }

  @Override
  public RetentionParameters asStored(RetentionConfig config, RetentionParameters parameters) {
    return packed(config, parameters).unpack();
  }

  /** Packs each set of weights once, as a library user would. */
  private RetentionWeights packed(RetentionConfig config, RetentionParameters parameters) {
    record Key(Engine engine, WeightType type, int seedOfQuery, RetentionConfig config) {}

    int query = java.util.Arrays.hashCode(org.retention4j.testkit.Tensors.flat(parameters.query()));
    return PACKED.computeIfAbsent(
        new Key(variant.engine(), weightType, query, config),
        key -> RetentionWeights.pack(variant.engine(), config, parameters, weightType));
  }
}
