"""What is learnt from: packs of prepared faces, and the samples drawn from them."""
