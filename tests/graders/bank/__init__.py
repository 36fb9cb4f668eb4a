"""Solutions as students write them: right ones that look unlike ours, wrong ones tagged with the mistake they make."""
