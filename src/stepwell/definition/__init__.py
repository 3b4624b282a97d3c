"""DEFINITION TIME: a class body becomes a frozen FlowDefinition."""
