"""Both patterns on one text, and where they differ."""

from gui.lessons.parts.tokenizer_patterns import Part


def test_what_the_other_cuts_otherwise_is_outlined(shelf):
    """And said in words; plain words are cut alike."""
    part = shelf.show_part(Part(shelf.context, {}))
    part.state.edit("Well 1234")
    shelf.until(lambda: part.views[1].count() == 4)
    gpt2, gpt4 = part.views
    assert gpt2._marked == {1} and gpt4._marked == {1, 2, 3}
    assert "GPT-4's pattern cuts otherwise here" in gpt2.describe(1)
    assert "one to three digits" in gpt4.describe(2) and "“123”" in gpt4.describe(2)
    assert "otherwise" not in gpt2.describe(0)
    assert part.counts[0].text() == "2 pieces; 1 outlined, cut otherwise."
    part.state.edit("plain words")
    shelf.until(lambda: "the same" in part.counts[0].text())
    assert part.counts[1].text() == "2 pieces, the same as the other pattern's."
    part.state.edit("")
    shelf.until(lambda: part.counts[0].text() == "There is no text.")
    assert not part.views[0].count()
