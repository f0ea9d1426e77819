package org.retention4j.testkit;

import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives a test class the defect that the run asks for. A run that asks for none, such as a build's,
 * skips the class: it is made to fail.
 */
final class DefectExtension implements ExecutionCondition, ParameterResolver {
  static final String PARAMETER = "retention4j.defect";

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    return context.getConfigurationParameter(PARAMETER).isPresent()
        ? ConditionEvaluationResult.enabled("a defect is asked for")
        : ConditionEvaluationResult.disabled("runs inside ContractsCatchDefectsTest only");
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Defect.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return Defect.valueOf(context.getConfigurationParameter(PARAMETER).orElseThrow());
  }
}
