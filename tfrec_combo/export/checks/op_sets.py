"""Which ops a server links, beside those of TensorFlow itself.

Stock TF Serving links tensorflow-text's `ops_lib` (and Decision Forests) and nothing of ScaNN; no flag loads a library.
Up to 2.19.1 that is tensorflow-text 2.12.1, from 2.20.0 on 2.20.0.
"""

# What tensorflow-text 2.20's libraries register; a test holds it against the installed ones.
TEXT = frozenset({
  "CaseFoldUTF8", "ConstrainedSequence", "FastBertNormalize", "FastWordpieceTokenizeWithOffsets", "FindSourceOffsets",
  "MaxSpanningTree", "NormalizeUTF8", "NormalizeUTF8WithOffsetsMap", "PhraseTokenize", "RegexSplitWithOffsets", "RougeL",
  "SentenceFragments", "SentenceFragmentsV2", "SentencepieceDetokenizeOp", "SentencepieceIdToStringOp", "SentencepieceOp",
  "SentencepieceStringToIdOp", "SentencepieceTokenizeOp", "SentencepieceTokenizeWithOffsetsOp",
  "SentencepieceVocabSizeOp", "SplitMergeTokenizeWithOffsets", "TFText>BoiseTagsToOffsets", "TFText>ByteSplitByOffsets",
  "TFText>ByteSplitWithOffsets", "TFText>FastSentencepieceDetokenize", "TFText>FastSentencepieceTokenize",
  "TFText>FastWordpieceDetokenize", "TFText>NgramsStringJoin", "TFText>OffsetsToBoiseTags", "TFText>PhraseDetokenize",
  "TFText>RoundRobinGenerateMasks", "TFText>RoundRobinTrim", "TFText>Utf8Binarize",
  "TFText>WhitespaceTokenizeWithOffsetsV2", "TokenizerFromLogits", "UnicodeScriptTokenizeWithOffsets",
  "WhitespaceTokenizeWithOffsets", "WordpieceTokenizeWithOffsets",
})  # fmt: skip

# Of those, what the 2.12.1 that servers up to 2.19.1 link does not have.
TEXT_SINCE_2_20 = frozenset(
  {"TFText>RoundRobinTrim", "TFText>RoundRobinGenerateMasks", "TFText>Utf8Binarize"}
)

SCANN = frozenset({
  "Scann>ScannCreateSearcher", "Scann>ScannSearch", "Scann>ScannSearchBatched", "Scann>ScannToTensors",
  "Scann>TensorsToScann",
})  # fmt: skip

# TensorFlow registers them, and only a Python process has what they call.
PYTHON = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})

# Best first: what most people run.
SERVERS: dict[str, frozenset[str]] = {
  "TF Serving 2.20": TEXT,
  "TF Serving 2.19": TEXT - TEXT_SINCE_2_20,
  "TF Serving 2.20 built with ScaNN": TEXT | SCANN,
  "tfrec-combo serve": TEXT | SCANN,
}
